package bus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/backoff"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/nats-io/nats.go/jetstream"
)

// Follow yields the values after a sequence of the log whose records match a
// pattern, and then new ones, in the order of the log. It ends without an error when
// ctx ends. To start at the end of the log, pass the sequence that Flush or
// LastSequence returned. Follow has no checkpoint and acknowledges nothing, and it
// delays no other reader or writer.
//
// Follow reports messages that the log discarded before it read them as a Message
// with a Loss. If the log begins after the sequence where reading starts, the first
// Loss is the missing range, of all records. Later, a Loss precedes a record's next
// value and counts the missing values of that record. If the follower has seen no
// value of the record yet, the Loss is a range of the log instead.
func (b *Bus) Follow(ctx context.Context, pattern key.Pattern, after uint64) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		f := &follower{bus: b, pattern: pattern, read: after, gaps: newRecordGaps(after)}
		err := f.run(ctx, func(m Message) bool { return yield(m, nil) })
		if err != nil && ctx.Err() == nil {
			yield(Message{}, fmt.Errorf("bus: follow the log: %w", err))
		}
	}
}

// ErrLogReplaced is the error of FollowLog after somebody has deleted the log.
var ErrLogReplaced = errors.New("bus: the log was replaced by another one")

// FollowLog yields the same as Follow for all records, and ends with ErrLogReplaced when
// another log is there in place of the one with an identity.
func (b *Bus) FollowLog(ctx context.Context, after history.Position) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		everything := key.WirePattern("#")
		f := &follower{bus: b, pattern: everything, only: after.Log, read: after.Sequence, gaps: newRecordGaps(after.Sequence)}
		if err := f.run(ctx, func(m Message) bool { return yield(m, nil) }); err != nil && ctx.Err() == nil {
			yield(Message{}, fmt.Errorf("bus: follow the log: %w", err))
		}
	}
}

// follower is the state of one Follow.
type follower struct {
	bus     *Bus
	pattern key.Pattern
	// read is the last sequence that was read or reported as lost.
	read uint64
	gaps *recordGaps
	// log is the identity of the log, readBefore what was read of the log before it.
	log        string
	readBefore uint64
	// only is the identity of the only log that is followed, "" without a limit.
	only string
	// consumer is what the ordered consumer is called on the server at present.
	consumer string
	// looked is when the server was last asked whether the log is the same.
	looked time.Time
}

// lookEvery is how often a follower asks a shared server whether the log is the same.
const lookEvery = 5 * time.Second

// run ends when yield returns false, or when ctx does.
func (f *follower) run(ctx context.Context, yield func(Message) bool) error {
	f.bus.mu.Lock()
	r := f.bus.republisher
	f.bus.mu.Unlock()
	if r != nil {
		f.gaps.assumeRead(r, f.pattern)
	}
	for more := true; more; {
		var log origin
		err := f.bus.answered(ctx, func(ctx context.Context) (err error) {
			log, _, err = f.bus.look(ctx)
			return err
		})
		if err != nil {
			return err
		}
		if f.only != "" && log.identity != f.only {
			return ErrLogReplaced
		}
		if more, err := f.begin(ctx, log, yield); err != nil || !more {
			return err
		}
		if more, err = f.follow(ctx, yield); err != nil {
			return err
		}
	}
	return nil
}

// begin starts in a log. If that has taken the place of another one, the rest of the
// other log is missing.
func (f *follower) begin(ctx context.Context, log origin, yield func(Message) bool) (more bool, err error) {
	before := f.log
	if before == "" || before == log.identity {
		f.log = log.identity
		return true, nil
	}
	missing, last, err := f.bus.missingBefore(ctx, log, before, f.read)
	if err != nil {
		return false, err
	}
	f.log, f.readBefore = log.identity, 0
	if last {
		f.readBefore = f.read
	}
	f.read, f.gaps = 0, newRecordGaps(0)
	for _, l := range missing {
		if !yield(Message{Loss: &l}) {
			return false, nil
		}
	}
	return true, nil
}

// follow reads one log. It returns more if that was replaced by another one.
func (f *follower) follow(ctx context.Context, yield func(Message) bool) (more bool, err error) {
	if more, err := f.yieldDiscarded(ctx, math.MaxUint64, yield); err != nil || !more {
		return more, err
	}
	messages, err := f.openConsumer(ctx)
	if err != nil {
		return false, err
	}
	defer messages.Stop()
	for {
		m, err := f.next(ctx, messages)
		switch {
		case ctx.Err() != nil || errors.Is(err, jetstream.ErrMsgIteratorClosed):
			return false, nil
		case f.replaced(ctx):
			return true, nil
		case errors.Is(err, jetstream.ErrNoHeartbeat) || errors.Is(err, context.DeadlineExceeded):
			continue // the ordered consumer recreates itself
		case err != nil:
			return false, err
		}
		meta, err := m.Metadata()
		if err != nil {
			return false, err
		}
		if same, err := f.sameLog(ctx, meta.Consumer); err != nil || !same {
			return err == nil, err
		}
		if more, err := f.deliver(ctx, m, meta.Sequence.Stream, yield); err != nil || !more {
			return more, err
		}
	}
}

// sameLog reports whether a message of a consumer is of the log that is followed. The
// ordered consumer creates its consumer again if somebody deletes the stream, and reads on
// in the next stream of the same name.
func (f *follower) sameLog(ctx context.Context, consumer string) (bool, error) {
	if !f.bus.config.Shared || consumer == f.consumer {
		return true, nil
	}
	pauses := backoff.Backoff{First: 50 * time.Millisecond, Longest: lookEvery}
	for failures := 1; ; failures++ {
		log, _, err := f.bus.look(ctx)
		if err == nil {
			f.consumer, f.looked = consumer, time.Now()
			return log.identity == f.log, nil
		}
		if pauses.Wait(ctx, failures) != nil {
			return false, err
		}
	}
}

// next waits for a message. On a shared server it does not wait for long, because the
// ordered consumer does not say that the stream was replaced.
func (f *follower) next(ctx context.Context, messages jetstream.MessagesContext) (jetstream.Msg, error) {
	if f.bus.config.Shared {
		limited, cancel := context.WithTimeout(ctx, lookEvery)
		defer cancel()
		ctx = limited
	}
	return messages.Next(jetstream.NextContext(ctx))
}

// replaced reports whether another log is there in place of the one that is followed. It
// asks a shared server for that, from time to time.
func (f *follower) replaced(ctx context.Context) bool {
	if !f.bus.config.Shared || time.Since(f.looked) < lookEvery {
		return false
	}
	f.looked = time.Now()
	log, _, err := f.bus.look(ctx)
	return err == nil && log.identity != f.log
}

// deliver yields a message, and a loss before it if values are missing.
func (f *follower) deliver(ctx context.Context, raw jetstream.Msg, sequence uint64, yield func(Message) bool) (more bool, err error) {
	m := f.bus.message(raw.Subject(), raw.Headers(), raw.Data(), sequence)
	if m.Marker {
		return true, nil
	}
	if m.Loss != nil && m.Loss.Record == "" { // a tombstone
		f.read = max(f.read, sequence)
		return yield(m), nil
	}
	if !f.pattern.Match(m.Record) {
		return true, nil
	}
	if f.gaps.repeats(&m) {
		f.bus.warnRepeated(f.gaps, &m)
		f.read = max(f.read, sequence)
		return true, nil
	}
	lost, certain := f.gaps.observe(&m)
	if !certain {
		if more, err := f.yieldDiscarded(ctx, sequence, yield); err != nil || !more {
			return more, err
		}
	}
	f.read = max(f.read, sequence)
	if before := uint64(headerInt(raw.Headers(), beforeHeader)); before > 0 && before <= f.readBefore {
		return true, nil // it was read in the log before this one
	}
	if lost != nil && !yield(Message{Sequence: sequence - 1, Record: lost.Record, Loss: lost}) {
		return false, nil
	}
	// The next value's Lost counts what was lost before it was logged.
	return m.Loss != nil || yield(m), nil
}

// yieldDiscarded yields a loss for the messages between the last one read and a
// sequence that the log no longer has.
func (f *follower) yieldDiscarded(ctx context.Context, before uint64, yield func(Message) bool) (more bool, err error) {
	if before == f.read+1 {
		return true, nil
	}
	var state jetstream.StreamState
	err = f.bus.answered(ctx, func(ctx context.Context) (err error) {
		state, err = f.bus.state(ctx)
		return err
	})
	if err != nil {
		return false, err
	}
	first := min(state.FirstSeq, before)
	if first <= f.read+1 {
		return true, nil
	}
	from := f.read + 1
	f.read = first - 1
	return yield(Message{Sequence: f.read, Loss: &loss.Loss{
		Cause: loss.LogDiscarded, Count: first - from, From: from, To: f.read, LastTime: state.FirstTime.UnixMilli(),
	}}), nil
}

func (f *follower) openConsumer(ctx context.Context) (jetstream.MessagesContext, error) {
	losses := f.bus.filter(lossKind, f.pattern)
	// Losses are read too: numbers that they cover are not missing in the log.
	filters := []string{f.bus.filter(logKind, f.pattern), f.bus.filter(privateKind, f.pattern), losses}
	if losses != f.bus.subjects.all(lossKind) {
		filters = append(filters, f.bus.subjects.prefix(lossKind)+tombstoneToken, f.bus.markerSubject())
	}
	var c jetstream.Consumer
	err := f.bus.answered(ctx, func(ctx context.Context) (err error) {
		c, err = f.bus.js.OrderedConsumer(ctx, f.bus.stream, jetstream.OrderedConsumerConfig{
			FilterSubjects: filters,
			DeliverPolicy:  jetstream.DeliverByStartSequencePolicy,
			OptStartSeq:    f.read + 1,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.Messages()
}

// filter returns a subject that matches whatever the pattern matches, and as little
// else as a NATS wildcard allows.
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
