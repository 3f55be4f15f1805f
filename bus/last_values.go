package bus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// LastValues yields the last value that the log has of each record, in the order of the
// log. A record that was Remote in one run and not in another comes twice.
func (b *Bus) LastValues(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		r := &logReader{bus: b, yield: yield}
		defer r.close()
		if err := r.lastValues(ctx); err != nil {
			yield(Message{}, fmt.Errorf("bus: read the last value of each record: %w", err))
		}
	}
}

// lastValues yields what a consumer has that begins with the last message of each subject.
func (r *logReader) lastValues(ctx context.Context) (err error) {
	last, err := r.bus.LastSequence(ctx)
	if err != nil || last == 0 {
		return err
	}
	r.consumer, err = r.bus.js.CreateConsumer(ctx, r.bus.stream, jetstream.ConsumerConfig{
		Name: secretName("read"), Description: "A reader of the last values",
		FilterSubjects: []string{r.bus.subjects.all(logKind), r.bus.subjects.all(privateKind)},
		DeliverPolicy:  jetstream.DeliverLastPerSubjectPolicy,
		AckPolicy:      jetstream.AckNonePolicy, ReplayPolicy: jetstream.ReplayInstantPolicy,
		InactiveThreshold: time.Minute, MemoryStorage: true,
	})
	if err != nil {
		return err
	}
	for got := true; got && !r.ended; {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch, err := r.consumer.FetchNoWait(r.atOnce())
		if err != nil {
			return err
		}
		got = false
		for m := range batch.Messages() {
			meta, failed := m.Metadata()
			switch {
			case failed != nil:
				err = failed
			case r.ended || meta.Sequence.Stream > last: // it was written since
				r.ended = true
			default:
				got = true
				r.ended = !r.yield(r.bus.message(m.Subject(), m.Headers(), m.Data(), meta.Sequence.Stream), nil)
			}
		}
		if err := errors.Join(err, batch.Error()); err != nil {
			return err
		}
	}
	return nil
}

// FollowLive yields the values of Remote records that are not logged, as they are
// published. They have no sequence. What is published while the connection is lost is
// not seen. It ends without an error when ctx ends.
func (b *Bus) FollowLive(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		sub, err := b.nc.SubscribeSync(b.subjects.all(liveKind))
		if err != nil {
			yield(Message{}, fmt.Errorf("bus: subscribe to live values: %w", err))
			return
		}
		defer func() { _ = sub.Unsubscribe() }() // at worst it ends with the connection
		for {
			raw, err := sub.NextMsgWithContext(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case errors.Is(err, nats.ErrSlowConsumer):
				b.log.Warn("bus: live values were dropped because they are not read fast enough")
			case err != nil:
				yield(Message{}, fmt.Errorf("bus: read live values: %w", err))
				return
			case !yield(b.message(raw.Subject, raw.Header, raw.Data, 0), nil):
				return
			}
		}
	}
}

// Replaced reports whether the log is another one than was opened, since somebody has
// deleted the stream, or ends before a sequence that it had.
func (b *Bus) Replaced(ctx context.Context, had uint64) (bool, error) {
	now, state, err := b.look(ctx)
	return err == nil && (now.identity != b.Identity() || state.LastSeq < had), err
}
