package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Span is what a log holds.
type Span struct {
	// First and Last are its first and its last sequence, with the times at which the log
	// got these messages. The log is empty if First is after Last.
	First, Last         uint64
	FirstTime, LastTime time.Time
}

// Span returns what the log holds.
func (b *Bus) Span(ctx context.Context) (Span, error) {
	state, err := b.state(ctx)
	return Span{state.FirstSeq, state.LastSeq, state.FirstTime, state.LastTime}, err
}

// SequenceAt returns the sequence of the first message that the log got at or after a
// time, and the one after the last if there is none.
func (b *Bus) SequenceAt(ctx context.Context, at time.Time) (uint64, error) {
	state, err := b.state(ctx)
	if err != nil {
		return 0, err
	}
	return b.firstAfter(ctx, at.UnixNano()-1, state, state.LastSeq)
}

// RemoveSink deletes the consumers of a sink that does not read the log any more.
func (b *Bus) RemoveSink(ctx context.Context, sink string) error {
	stream, err := b.js.Stream(ctx, b.stream)
	if err != nil {
		return fmt.Errorf("bus: delete the consumers of sink %s: %w", sink, err)
	}
	names := stream.ConsumerNames(ctx)
	for name := range names.Name() {
		if of, ok := sinkOf(name); !ok || of != sink {
			continue
		}
		if err := stream.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("bus: delete the consumers of sink %s: %w", sink, err)
		}
	}
	if err := names.Err(); err != nil {
		return fmt.Errorf("bus: list the consumers of sink %s: %w", sink, err)
	}
	return nil
}
