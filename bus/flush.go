package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/aimdb-go/aimdb/records"
)

// Flush returns when the log has all values that the records of reg accepted before
// the call, except those counted as lost. It returns the last sequence of the log at
// that time: a sink whose checkpoint has reached it has stored them all.
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

// awaitLogged waits until a value of a record is logged or counted as lost.
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
				state = w.outage.State().Text
			}
			return fmt.Errorf("bus: flush: record %q is logged up to value %d of %d; log: %s: %w", h.Key(), h.Acked(), number, state, ctx.Err())
		case <-r.bus.closed:
			return errors.New("bus: flush: the log is closed")
		}
	}
}
