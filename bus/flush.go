package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/aimdb-go/aimdb/records"
)

// Flush returns when the log has everything that the records of reg had
// accepted before the call, but for what is counted as lost. It returns the
// last sequence of the log at that time: a sink that has it, has all of it.
func (b *Bus) Flush(ctx context.Context, reg *records.Registry) (uint64, error) {
	b.mu.Lock()
	r := b.republisher
	b.mu.Unlock()
	if r == nil {
		return 0, errors.New("bus: flush: this log has no republisher")
	}
	for _, h := range reg.Records() {
		if !h.Config().Logged {
			continue
		}
		if err := r.awaitLogged(ctx, h, h.Produced()); err != nil {
			return 0, err
		}
	}
	return r.last.Load(), nil
}

// reached waits until the log has dealt with a value of a record.
func (r *Republisher) awaitLogged(ctx context.Context, h *records.Untyped, number uint64) error {
	for {
		next := r.progress.next()
		if h.Acked() >= number {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			state := "the republisher is not running"
			if w := r.writer.Load(); w != nil {
				state, _ = w.outage.status.get()
			}
			return fmt.Errorf("bus: flush: record %q is in the log up to %d of %d; log: %s: %w", h.Key(), h.Acked(), number, state, ctx.Err())
		case <-r.bus.closed:
			return errors.New("bus: flush: the log is closed")
		}
	}
}
