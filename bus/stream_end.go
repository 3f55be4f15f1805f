package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/internal/backoff"
)

// findEnd finds the last sequence of the log. A server can be of two minds after
// damage: it trusts its index until it first reads the last block, then lowers the state
// of the stream, and still expects the old sequence of a publisher. What it takes then
// gets sequences that are in use. So the last message is read first, and a server that
// disagrees with itself is opened again, which heals it.
func (b *Bus) findEnd(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	pauses := backoff.Backoff{First: 50 * time.Millisecond, Longest: b.answerTimeout}
	for failures := 1; ; failures++ {
		state, expected, err := b.bothEnds(ctx)
		if err == nil && state.LastSeq == expected {
			b.endAtOpen, b.stateAtOpen = expected, state
			return nil
		}
		if err == nil {
			err = fmt.Errorf("bus: the log ends at %d and the server expects the message after %d", state.LastSeq, expected)
			b.log.Error("bus: the server does not know the end of the log, because a file of it is damaged; opening it again", "end", state.LastSeq, "expected", expected)
			if !b.server.Reopen() {
				return fmt.Errorf("%w: a file of the log is damaged; restart the NATS server", err)
			}
		}
		if failures == 5 || pauses.Wait(ctx, failures) != nil {
			return fmt.Errorf("bus: find the end of the log: %w", errors.Join(err, ctx.Err()))
		}
	}
}

// bothEnds returns the state of the stream, and the sequence after which the server
// expects the next message.
func (b *Bus) bothEnds(ctx context.Context) (state jetstream.StreamState, expected uint64, err error) {
	if state, err = b.state(ctx); err != nil {
		return state, 0, err
	}
	if state.LastSeq > 0 {
		if _, err = b.get(ctx, state.LastSeq); err != nil {
			return state, 0, err
		}
	}
	w, err := newWriter(ctx, b, nobody{})
	if err != nil {
		return state, 0, err
	}
	defer w.close()
	state, err = b.state(ctx)
	return state, w.next, err
}
