package bus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/aimdb-go/aimdb/records"
	"github.com/nats-io/nats.go/jetstream"
)

// Follow yields the values behind a sequence of the log whose records match a
// pattern, and then those to come, in the order of the log, until ctx ends;
// that is not an error. It starts behind the whole log with the sequence that
// Flush or LastSequence returned. It has no checkpoint, acknowledges nothing
// and slows nobody; what the log discards before it was read is not yielded.
func (b *Bus) Follow(ctx context.Context, pattern records.Pattern, after uint64) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		messages, err := b.follow(ctx, pattern, after)
		if err != nil {
			if ctx.Err() == nil {
				yield(Message{}, err)
			}
			return
		}
		defer messages.Stop()
		for {
			m, err := messages.Next(jetstream.NextContext(ctx))
			if ctx.Err() != nil || errors.Is(err, jetstream.ErrMsgIteratorClosed) {
				return
			}
			if err != nil {
				if errors.Is(err, jetstream.ErrNoHeartbeat) {
					continue // the ordered consumer makes itself anew
				}
				yield(Message{}, fmt.Errorf("bus: follow the log: %w", err))
				return
			}
			meta, err := m.Metadata()
			if err != nil {
				yield(Message{}, fmt.Errorf("bus: follow the log: %w", err))
				return
			}
			value := b.message(m.Subject(), m.Headers(), m.Data(), meta.Sequence.Stream)
			if pattern.Match(value.Record) && !yield(value, nil) {
				return
			}
		}
	}
}

func (b *Bus) follow(ctx context.Context, pattern records.Pattern, after uint64) (jetstream.MessagesContext, error) {
	c, err := b.js.OrderedConsumer(ctx, b.stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{b.filter(logKind, pattern)},
		DeliverPolicy:  jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:    after + 1,
	})
	if err != nil {
		return nil, fmt.Errorf("bus: follow the log: %w", err)
	}
	messages, err := c.Messages()
	if err != nil {
		return nil, fmt.Errorf("bus: follow the log: %w", err)
	}
	return messages, nil
}

// filter returns a subject that matches at least what the pattern does, so
// that the server leaves out most of the rest.
func (b *Bus) filter(kind string, pattern records.Pattern) string {
	if text, ok := pattern.Exact(); ok {
		if key, err := records.ParseKey(text); err == nil {
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
