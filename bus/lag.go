package bus

import (
	"context"
	"fmt"
	"time"
)

// Lag is what a sink has not stored of the log.
type Lag struct {
	// Messages is the number of messages after the checkpoint of the sink, and Since the
	// time at which the log got the first of them, zero if there are none.
	Messages uint64
	Since    time.Time
}

// Lag returns what the log has after a sequence.
func (b *Bus) Lag(ctx context.Context, after uint64) (l Lag, err error) {
	state, err := b.state(ctx)
	if err != nil || after >= state.LastSeq {
		return l, err
	}
	next := max(after+1, state.FirstSeq)
	l.Messages = state.LastSeq - next + 1
	first, err := b.get(ctx, next)
	if err != nil || first == nil {
		return l, err
	}
	l.Since = first.Time
	return l, nil
}

// SinkConsumer is what the log knows of a sink that reads it or has read it.
type SinkConsumer struct {
	Sink string
	// Acknowledged is the last sequence that the sink has acknowledged. It is a hint: the
	// checkpoint of the sink decides.
	Acknowledged uint64
	// Read says that somebody waits for the messages. If a machine has failed, it may
	// say so for half a minute more.
	Read bool
}

// SinkConsumers returns the sinks that have a consumer of the log.
func (b *Bus) SinkConsumers(ctx context.Context) (all []SinkConsumer, err error) {
	stream, err := b.js.Stream(ctx, b.stream)
	if err != nil {
		return nil, fmt.Errorf("bus: list the sinks of the log: %w", err)
	}
	list := stream.ListConsumers(ctx)
	for info := range list.Info() {
		if sink, ok := sinkOf(info.Name); ok {
			all = append(all, SinkConsumer{sink, info.AckFloor.Stream, info.NumWaiting > 0})
		}
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("bus: list the sinks of the log: %w", err)
	}
	return all, nil
}
