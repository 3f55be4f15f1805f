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

// store writes messages of the log, in one batch if the sink takes it.
func (p *Pump) store(ctx context.Context, at history.Position, msgs []bus.Message) (history.Position, error) {
	b := &p.batch
	b.Entries, b.Refused, b.Losses = b.Entries[:0], nil, nil
	for i := range msgs {
		m := &msgs[i]
		at.Sequence = max(at.Sequence, m.Sequence)
		if m.Loss == nil {
			b.Entries = append(b.Entries, sinks.Entry{Sequence: m.Sequence, Record: m.Record, Time: m.Time, Value: m.Value})
			continue
		}
		b.Losses = append(b.Losses, *m.Loss)
		if p.config.OnLoss != nil && (m.Loss.Cause == loss.LogDiscarded || m.Loss.Cause == loss.LogMissing) {
			p.config.OnLoss(*m.Loss)
		}
	}
	b.Checkpoint = at
	err := p.commit(ctx, *b)
	clear(b.Entries)
	return at, err
}

// commit writes a batch until the sink has it. Entries that the sink refuses for
// good become dead letters.
func (p *Pump) commit(ctx context.Context, b sinks.Batch) error {
	for attempt := 0; ; attempt++ {
		err := p.config.Sink.Write(ctx, &b)
		if err == nil {
			p.committed(b.Checkpoint, b)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if refused := (*sinks.RefusedError)(nil); errors.As(err, &refused) && len(b.Entries) > 0 {
			return p.isolate(ctx, b, refused)
		}
		if !p.again(ctx, attempt, fmt.Errorf("write to sink %s: %w", p.config.Sink.Name(), err)) {
			return ctx.Err()
		}
		if done, err := p.arrived(ctx, b); err == nil && done {
			p.committed(b.Checkpoint, b)
			return nil
		}
	}
}

// arrived reports whether the sink has a batch although its answer was an
// error: the failure may have come after the commit. A batch is in the sink as a
// whole or not at all, so its checkpoint tells.
func (p *Pump) arrived(ctx context.Context, b sinks.Batch) (bool, error) {
	if len(b.Entries)+len(b.Refused)+len(b.Losses) == 0 {
		return false, nil // nothing that could be stored twice
	}
	at, err := p.config.Sink.Checkpoint(ctx)
	return at == b.Checkpoint, err
}

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

// deadLetters returns a batch in which refused entries are dead letters and
// losses.
func (p *Pump) deadLetters(b sinks.Batch, refused map[int]error) sinks.Batch {
	rest := sinks.Batch{Refused: b.Refused, Losses: b.Losses, Checkpoint: b.Checkpoint}
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
		p.log.Warn("sinks: the sink refuses a value for good; it is kept as a dead letter", "sink", p.config.Sink.Name(), "record", e.Record, "sequence", e.Sequence, "error", reason)
		if p.config.OnLoss != nil {
			p.config.OnLoss(lost)
		}
		rest.Refused = append(rest.Refused, sinks.Refusal{Entry: e, Reason: reason.Error()})
		rest.Losses = append(rest.Losses, lost)
	}
	return rest
}
