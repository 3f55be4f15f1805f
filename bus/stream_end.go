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
//
// It returns a writer at the end of the log. The log is known to have had a sequence. A
// shared server has just this one view: the sequence of the writer's marker.
func (b *Bus) findEnd(ctx context.Context, known uint64) (*writer, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	pauses := backoff.Backoff{First: 50 * time.Millisecond, Longest: b.answerTimeout}
	for failures := 1; ; failures++ {
		state, w, err := b.bothEnds(ctx, known)
		if err == nil && (b.config.Shared || state.LastSeq == w.next) {
			b.setEnd(w.next)
			b.stateAtOpen = state
			return w, nil
		}
		if err == nil {
			expected := w.next
			w.close()
			err = fmt.Errorf("bus: the log ends at %d and the server expects the message after %d", state.LastSeq, expected)
			b.log.Error("bus: the server does not know the end of the log, because a file of it is damaged; opening it again", "end", state.LastSeq, "expected", expected)
			if !b.server.Reopen() {
				return nil, fmt.Errorf("%w: a file of the log is damaged; restart the NATS server", err)
			}
		}
		if failures == 5 || pauses.Wait(ctx, failures) != nil {
			return nil, fmt.Errorf("bus: find the end of the log: %w", errors.Join(err, ctx.Err()))
		}
	}
}

// bothEnds returns the state of the stream, and a writer, which knows the sequence after
// which the server expects the next message.
func (b *Bus) bothEnds(ctx context.Context, known uint64) (state jetstream.StreamState, w *writer, err error) {
	if state, err = b.state(ctx); err != nil {
		return state, nil, err
	}
	if state.LastSeq > 0 {
		if _, err = b.get(ctx, state.LastSeq); err != nil {
			return state, nil, err
		}
	}
	if w, err = newWriter(ctx, b, nobody{}, known); err != nil {
		return state, nil, err
	}
	if state, err = b.state(ctx); err != nil {
		w.close()
		return state, nil, err
	}
	return state, w, nil
}

func (b *Bus) setEnd(last uint64) {
	b.mu.Lock()
	b.endAtOpen = last
	b.mu.Unlock()
}
