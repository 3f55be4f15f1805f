package bus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"

	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/nats-io/nats.go/jetstream"
)

// Follow yields the values behind a sequence of the log whose records match a
// pattern, and then those to come, in the order of the log, until ctx ends;
// that is not an error. It starts behind the whole log with the sequence that
// Flush or LastSequence returned. It has no checkpoint, acknowledges nothing
// and slows nobody.
//
// What the log discards before it was read is told as a Message with a Loss. If
// the log does not reach back to where reading begins, that is the range that
// is missing, of all records. While reading goes on it is, right before the
// next value of a record, how many values of that record are missing; or a
// range, if the follower has had no value of the record and the log begins
// behind the last one it had.
func (b *Bus) Follow(ctx context.Context, pattern key.Pattern, after uint64) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		f := &follower{bus: b, pattern: pattern, at: after, numbering: newNumbering(after)}
		err := f.run(ctx, func(m Message) bool { return yield(m, nil) })
		if err != nil && ctx.Err() == nil {
			yield(Message{}, fmt.Errorf("bus: follow the log: %w", err))
		}
	}
}

// follower is one reading of Follow.
type follower struct {
	bus     *Bus
	pattern key.Pattern
	// at is the sequence up to which everything was read, or told lost.
	at        uint64
	numbering *numbering
}

// run ends when yield returns false, or when ctx does.
func (f *follower) run(ctx context.Context, yield func(Message) bool) error {
	f.bus.mu.Lock()
	r := f.bus.republisher
	f.bus.mu.Unlock()
	if r != nil {
		f.numbering.seed(r, f.pattern)
	}
	if more, err := f.look(ctx, math.MaxUint64, yield); err != nil || !more {
		return err
	}
	messages, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if ctx.Err() != nil || errors.Is(err, jetstream.ErrMsgIteratorClosed) {
			return nil
		}
		if errors.Is(err, jetstream.ErrNoHeartbeat) {
			continue // the ordered consumer makes itself anew
		}
		if err != nil {
			return err
		}
		if more, err := f.take(ctx, m, yield); err != nil || !more {
			return err
		}
	}
}

// take yields a message, and before it what is missing.
func (f *follower) take(ctx context.Context, raw jetstream.Msg, yield func(Message) bool) (more bool, err error) {
	meta, err := raw.Metadata()
	if err != nil {
		return false, err
	}
	sequence := meta.Sequence.Stream
	m := f.bus.message(raw.Subject(), raw.Headers(), raw.Data(), sequence)
	if m.Loss != nil && m.Loss.Record == "" { // a tombstone
		f.at = max(f.at, sequence)
		return yield(m), nil
	}
	if !f.pattern.Match(m.Record) {
		return true, nil
	}
	loss, known := f.numbering.note(&m)
	if !known {
		if more, err := f.look(ctx, sequence, yield); err != nil || !more {
			return more, err
		}
	}
	f.at = max(f.at, sequence)
	if loss != nil && !yield(Message{Sequence: sequence - 1, Record: loss.Record, Loss: loss}) {
		return false, nil
	}
	// What was lost before it was logged stands on the next value.
	return m.Loss != nil || yield(m), nil
}

// look asks where the log begins, and tells what it does not hold any more of
// what was not read, up to a sequence.
func (f *follower) look(ctx context.Context, before uint64, yield func(Message) bool) (more bool, err error) {
	if before == f.at+1 {
		return true, nil
	}
	state, err := f.bus.state(ctx)
	if err != nil {
		return false, err
	}
	first := min(state.FirstSeq, before)
	if first <= f.at+1 {
		return true, nil
	}
	from := f.at + 1
	f.at = first - 1
	return yield(Message{Sequence: f.at, Loss: &loss.Loss{
		Cause: loss.LogDiscarded, Count: first - from, From: from, To: f.at, LastTime: state.FirstTime.UnixMilli(),
	}}), nil
}

func (f *follower) open(ctx context.Context) (jetstream.MessagesContext, error) {
	losses := f.bus.filter(lossKind, f.pattern)
	// Losses are read too: numbers that they cover are not missing in the log.
	filters := []string{f.bus.filter(logKind, f.pattern), losses}
	if losses != f.bus.subjects.all(lossKind) {
		filters = append(filters, f.bus.subjects.prefix(lossKind)+tombstoneToken)
	}
	c, err := f.bus.js.OrderedConsumer(ctx, f.bus.stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: filters,
		DeliverPolicy:  jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:    f.at + 1,
	})
	if err != nil {
		return nil, err
	}
	return c.Messages()
}

// filter returns a subject that matches at least what the pattern does, so
// that the server leaves out most of the rest.
func (b *Bus) filter(kind string, pattern key.Pattern) string {
	if text, ok := pattern.Exact(); ok {
		if key, err := key.Parse(text); err == nil {
			return b.subjects.of(kind, key.Segments())
		}
	}
	prefix := pattern.Prefix()
	end := strings.LastIndexByte(prefix, '.')
	if end <= 0 {
		return b.subjects.all(kind)
	}
	return b.subjects.of(kind, strings.Split(prefix[:end], ".")) + ".>"
}
