package records

import (
	"math/rand/v2"
	"time"
)

// backoff is a pause that doubles with each failure in a row.
type backoff struct{ first, longest time.Duration }

// pause returns the pause after the n-th failure, n from 1. It varies by a
// quarter, so that stages that failed together do not come back together.
func (b backoff) pause(n int) time.Duration {
	d := max(b.first, time.Millisecond)
	for ; n > 1 && d < b.longest; n-- {
		d *= 2
	}
	d = max(min(d, b.longest), time.Millisecond)
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}
