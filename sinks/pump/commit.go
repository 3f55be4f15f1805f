package pump

import (
	"context"
	"fmt"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
)

// store commits messages of the log, in one batch if the sink takes it.
func (p *Pump) store(ctx context.Context, at history.Position, msgs []bus.Message) (history.Position, error) {
	b := &p.batch
	b.Entries, b.Refused, b.Losses = b.Entries[:0], nil, nil
	var last *bus.Message
	for i := range msgs {
		m := &msgs[i]
		if m.Sequence >= at.Sequence {
			at.Sequence, last = m.Sequence, m
		}
		if m.Loss == nil {
			b.Entries = append(b.Entries, sinks.Entry{Sequence: m.Sequence, Record: m.Record, Time: m.Time, Value: m.Value})
			continue
		}
		b.Losses = appendLoss(b.Losses, *m.Loss)
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
		if p.Record == l.Record && p.Cause == l.Cause && p.To != 0 && p.To+1 == l.From && p.Count > 0 && l.Count > 0 {
			p.To, p.Count, p.LastTime = l.To, p.Count+l.Count, max(p.LastTime, l.LastTime)
			return losses
		}
	}
	return append(losses, l)
}

// commit writes a batch until the sink has it. A batch that is refused for
// good is cut in two, and each half has a transaction and checkpoint of its
// own, until what is refused is one value.
func (p *Pump) commit(ctx context.Context, b sinks.Batch) error {
	for failures := 1; ; failures++ {
		err := p.config.Sink.Write(ctx, &b)
		if err == nil {
			p.committed(b.Checkpoint, b)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if sinks.Refused(err) && len(b.Entries) > 0 {
			return p.isolate(ctx, b, err)
		}
		if err := p.again(ctx, failures, fmt.Errorf("write to sink %s: %w", p.config.Sink.Name(), err)); err != nil {
			return err
		}
		if done, err := p.arrived(ctx, b); err == nil && done {
			p.committed(b.Checkpoint, b)
			return nil
		}
	}
}

// arrived reports whether the sink has a batch although its answer was an
// error: the failure may have come behind the commit. A batch is in the sink
// as a whole or not at all, so its checkpoint tells.
func (p *Pump) arrived(ctx context.Context, b sinks.Batch) (bool, error) {
	if len(b.Entries)+len(b.Refused)+len(b.Losses) == 0 {
		return false, nil // nothing that could be there twice
	}
	at, err := p.config.Sink.Checkpoint(ctx)
	return at == b.Checkpoint, err
}

func (p *Pump) isolate(ctx context.Context, b sinks.Batch, reason error) error {
	if len(b.Entries) == 1 {
		return p.commit(ctx, p.deadLetter(b, reason))
	}
	half := len(b.Entries) / 2
	left := sinks.Batch{
		Entries: b.Entries[:half], Refused: b.Refused, Losses: b.Losses,
		Checkpoint: history.Position{Log: b.Checkpoint.Log, Sequence: b.Entries[half-1].Sequence},
	}
	if err := p.commit(ctx, left); err != nil {
		return err
	}
	return p.commit(ctx, sinks.Batch{Entries: b.Entries[half:], Checkpoint: b.Checkpoint})
}

// deadLetter makes of a batch with one refused value one without.
func (p *Pump) deadLetter(b sinks.Batch, reason error) sinks.Batch {
	e := b.Entries[0]
	loss := loss.Loss{
		Record: e.Record, Cause: loss.SinkRefused, Count: 1,
		From: e.Sequence, To: e.Sequence, FirstTime: e.Time, LastTime: e.Time,
	}
	p.log.Warn("sinks: the sink refuses a value for good; it is kept as a dead letter", "record", e.Record, "sequence", e.Sequence, "error", reason)
	return sinks.Batch{
		Refused:    append(b.Refused, sinks.Refusal{Entry: e, Reason: reason.Error()}),
		Losses:     append(b.Losses, loss),
		Checkpoint: b.Checkpoint,
	}
}
