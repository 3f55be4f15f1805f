package pump

import (
	"context"
	"errors"
	"fmt"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
)

// store commits messages of the log, in one batch unless the sink refuses some.
func (p *Pump) store(ctx context.Context, at history.Position, msgs []bus.Message) (history.Position, error) {
	b := &p.batch
	b.Entries, b.Refused, b.Losses, b.Covered = b.Entries[:0], nil, nil, nil
	var last *bus.Message
	for i := range msgs {
		m := &msgs[i]
		if m.Sequence >= at.Sequence {
			at.Sequence, last = m.Sequence, m
		}
		if m.Marker {
			continue
		}
		if m.Loss == nil {
			b.Entries = append(b.Entries, sinks.Entry{Sequence: m.Sequence, Record: m.Record, Run: m.Run, Number: m.Number, Time: m.Time, Timed: m.Timed, Event: m.Event, Value: m.Value, Shape: m.Shape})
			continue
		}
		l := *m.Loss
		if l.Count > 0 && m.Number >= l.Count {
			l.Run = m.Run
			b.Covered = append(b.Covered, sinks.Numbers{
				Sequence: m.Sequence, Record: m.Record, Run: m.Run, From: m.Number - l.Count + 1, To: m.Number, Time: m.Time,
			})
		}
		b.Losses = appendLoss(b.Losses, l)
	}
	if last != nil {
		at.Message = last.Fingerprint()
	}
	b.Checkpoint = at
	err := p.commit(ctx, *b)
	clear(b.Entries)
	return at, err
}

// appendLoss joins a loss to the previous one if it continues it.
func appendLoss(losses []loss.Loss, l loss.Loss) []loss.Loss {
	if n := len(losses); n > 0 {
		p := &losses[n-1]
		if p.Record == l.Record && p.Cause == l.Cause && p.Run == l.Run && p.To != 0 && p.To+1 == l.From && p.Count > 0 && l.Count > 0 {
			p.To, p.Count, p.LastTime = l.To, p.Count+l.Count, max(p.LastTime, l.LastTime)
			return losses
		}
	}
	return append(losses, l)
}

// commit writes a batch and retries until the sink has stored it. Entries that the
// sink refuses become dead letters.
func (p *Pump) commit(ctx context.Context, b sinks.Batch) error {
	for failures := 1; ; failures++ {
		b.Previous = p.have
		err := p.write(ctx, &b)
		if err == nil {
			p.have = b.Checkpoint
			p.committed(b.Checkpoint, b)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if refused := (*sinks.RefusedError)(nil); errors.As(err, &refused) && len(b.Entries) > 0 {
			return p.isolate(ctx, b, refused)
		}
		if errors.Is(err, sinks.ErrCheckpointMoved) {
			return fmt.Errorf("write to sink %s: %w", p.config.Sink.Name(), err)
		}
		if err := p.again(ctx, failures, fmt.Errorf("write to sink %s: %w", p.config.Sink.Name(), err)); err != nil {
			return err
		}
		done, err := p.committedAnyway(ctx, b)
		if err != nil {
			return err
		}
		if done {
			p.have = b.Checkpoint
			p.committed(b.Checkpoint, b)
			return nil
		}
	}
}

// committedAnyway reports whether the sink has stored a batch although Write returned an
// error, which may have occurred after the commit. A batch is stored as a whole, so the
// checkpoint shows it. A checkpoint that is neither that of the batch nor the one before
// it is an error: the batch does not follow what the sink has now.
func (p *Pump) committedAnyway(ctx context.Context, b sinks.Batch) (bool, error) {
	if !worth(&b) {
		return false, nil // writing it twice does no harm
	}
	at, err := p.config.Sink.Checkpoint(ctx)
	switch {
	case err != nil:
		return false, nil // still out of order perhaps; Write tells
	case at == b.Checkpoint:
		return true, nil
	case samePlace(at, p.have) || samePlace(at, b.Checkpoint):
		return false, nil
	}
	return false, fmt.Errorf("the checkpoint of sink %s is %v and was %v; reading begins again there", p.config.Sink.Name(), at, p.have)
}

// samePlace compares positions of which one may lack its fingerprint.
func samePlace(a, b history.Position) bool { return a.Log == b.Log && a.Sequence == b.Sequence }

// isolate writes a batch without the entries that the sink refuses. If it does
// not say which these are, the batch is cut in two, each with a transaction and
// checkpoint of its own, until a batch is one entry.
func (p *Pump) isolate(ctx context.Context, b sinks.Batch, refused *sinks.RefusedError) error {
	named := refused.Entries
	if len(b.Entries) == 1 {
		named = map[int]error{0: refused.Reason}
	}
	if len(named) > 0 {
		if rest := p.deadLetters(b, named); len(rest.Entries) < len(b.Entries) {
			return p.commit(ctx, rest)
		}
	}
	left, right := halve(b)
	if err := p.commit(ctx, left); err != nil {
		return err
	}
	return p.commit(ctx, right)
}

// halve cuts a batch in two, in the order of the log. Losses that are no refusals have no
// place in it and go first.
func halve(b sinks.Batch) (left, right sinks.Batch) {
	half := len(b.Entries) / 2
	at := b.Entries[half-1].Sequence
	left = sinks.Batch{Entries: b.Entries[:half], Checkpoint: history.Position{Log: b.Checkpoint.Log, Sequence: at}}
	right = sinks.Batch{Entries: b.Entries[half:], Checkpoint: b.Checkpoint}
	side := func(sequence uint64) *sinks.Batch {
		if sequence <= at {
			return &left
		}
		return &right
	}
	for _, r := range b.Refused {
		s := side(r.Entry.Sequence)
		s.Refused = append(s.Refused, r)
	}
	for _, l := range b.Losses {
		s := &left
		if l.Cause == loss.SinkRefused {
			s = side(l.From)
		}
		s.Losses = append(s.Losses, l)
	}
	for _, n := range b.Covered {
		s := side(n.Sequence)
		s.Covered = append(s.Covered, n)
	}
	return left, right
}

// deadLetters returns a batch in which refused entries are dead letters and
// losses.
func (p *Pump) deadLetters(b sinks.Batch, refused map[int]error) sinks.Batch {
	rest := sinks.Batch{Refused: b.Refused, Losses: b.Losses, Covered: b.Covered, Checkpoint: b.Checkpoint}
	for i, e := range b.Entries {
		reason, bad := refused[i]
		if !bad {
			rest.Entries = append(rest.Entries, e)
			continue
		}
		lost := loss.Loss{
			Record: e.Record, Cause: loss.SinkRefused, Count: 1,
			From: e.Sequence, To: e.Sequence, FirstTime: e.Time, LastTime: e.Time,
		}
		p.log.Warn("sinks: the sink refused a value; it is kept as a dead letter", "record", e.Record, "sequence", e.Sequence, "error", reason)
		rest.Refused = append(rest.Refused, sinks.Refusal{Entry: e, Reason: reason.Error()})
		rest.Losses = append(rest.Losses, lost)
	}
	return rest
}
