package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff is a pause that doubles with each failure in a row, from First up to
// Longest. The shortest pause is a millisecond.
type Backoff struct{ First, Longest time.Duration }

// Pause returns the pause after the n-th failure in a row, n from 1. It is
// shorter by up to a quarter at random, so that what failed together does not
// come back together.
func (b Backoff) Pause(n int) time.Duration {
	d, longest := max(b.First, time.Millisecond), max(b.Longest, time.Millisecond)
	for ; n > 1 && d < longest; n-- {
		d += min(d, longest-d)
	}
	d = min(d, longest)
	return d - rand.N(d/4+1)
}

// Wait waits for the pause after the n-th failure in a row. It returns the error
// of ctx if that ends first.
func (b Backoff) Wait(ctx context.Context, n int) error {
	if !Sleep(ctx, b.Pause(n)) {
		return ctx.Err()
	}
	return nil
}

// Sleep waits. It reports false if ctx ends before.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
