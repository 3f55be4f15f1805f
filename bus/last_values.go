package bus

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// LastValues yields the last value that the log has of each record. A record that was
// Remote in one run and not in another comes twice. The order is that of no sequence.
func (b *Bus) LastValues(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		stream, err := b.js.Stream(ctx, b.stream)
		for _, kind := range []string{logKind, privateKind} {
			var info *jetstream.StreamInfo
			if err == nil {
				info, err = stream.Info(ctx, jetstream.WithSubjectFilter(b.subjects.all(kind)))
			}
			if err != nil {
				yield(Message{}, fmt.Errorf("bus: list the subjects of the log: %w", err))
				return
			}
			for subject := range info.State.Subjects {
				raw, err := stream.GetLastMsgForSubject(ctx, subject)
				if errors.Is(err, jetstream.ErrMsgNotFound) {
					continue // a limit has discarded it meanwhile
				}
				if err != nil {
					yield(Message{}, fmt.Errorf("bus: read the last message of %s: %w", subject, err))
					return
				}
				if !yield(b.message(raw.Subject, raw.Header, raw.Data, raw.Sequence), nil) {
					return
				}
			}
		}
	}
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
