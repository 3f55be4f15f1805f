package mirror

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"time"

	"github.com/aimdb-go/aimdb/bus"
)

// reading is what reads one log until one of its parts fails.
type reading struct {
	bus    *bus.Bus
	values chan bus.Message
	end    context.CancelCauseFunc
	// read is the last sequence that was read.
	read atomic.Uint64
}

// forward passes messages on, and ends the reading with what they end with.
func (r *reading) forward(ctx context.Context, all iter.Seq2[bus.Message, error]) {
	for v, err := range all {
		if err != nil {
			r.end(err)
			return
		}
		if v.Sequence > 0 {
			r.read.Store(v.Sequence)
		}
		select {
		case r.values <- v:
		case <-ctx.Done():
			return
		}
	}
	r.end(errors.New("reading the log has ended"))
}

// watch ends the reading of a log that is not there any more. Its consumers would only
// wait.
func (r *reading) watch(ctx context.Context) {
	ticker := time.NewTicker(lookAtLog)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		asking, cancel := context.WithTimeout(ctx, 2*lookAtLog)
		replaced, err := r.bus.Replaced(asking, r.read.Load())
		cancel()
		if err != nil {
			r.end(err)
		}
		if replaced {
			r.end(errors.New("the log was replaced by another one, which is read from its start"))
		}
	}
}
