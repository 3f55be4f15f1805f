package retention

import (
	"context"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// trusted returns a time that is known to have come: that of the last sweep and
// what has passed since the start of this process, or now if that is no later
// than clocks may differ. A history that was never swept knows no other time.
func (r *Retention) trusted(ctx context.Context, now time.Time) (time.Time, error) {
	r.mu.Lock()
	known := !r.reference.IsZero()
	r.mu.Unlock()
	if !known {
		ms, err := r.pruner.TrustedTime(ctx)
		if err != nil {
			return now, err
		}
		if ms == 0 {
			return now, nil
		}
		r.trust(time.UnixMilli(ms))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.reference.Add(time.Since(r.since))
	if r.config.ClockOK || !now.After(t.Add(history.ClockTolerance)) {
		return now, nil
	}
	return t, nil
}

// trust takes a time as reference if it is later than the present one. A clock
// that was set back does not make the time that has come uncertain.
func (r *Retention) trust(t time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reference.IsZero() || t.After(r.reference.Add(time.Since(r.since))) {
		r.reference, r.since = t, time.Now()
	}
}
