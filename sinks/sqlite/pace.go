package sqlite

import (
	"sync/atomic"
	"time"
)

// slice is how long one piece of patient work should keep the writer. The
// longest wait of a commit is a few of these.
const slice = 25 * time.Millisecond

// pace finds the number of rows or pages that one slice of time is enough for.
// Reading and deleting use it from two goroutines.
type pace struct {
	size     atomic.Int64
	low, max int64
}

func newPace(start, low, high int64) *pace {
	p := &pace{low: low, max: high}
	p.size.Store(start)
	return p
}

func (p *pace) rows() int { return int(p.size.Load()) }

// atMost keeps the next piece small; what it takes decides on those behind.
func (p *pace) atMost(n int64) {
	p.size.Store(max(min(p.size.Load(), n), p.low))
}

// took tells how long a number of rows took. One slow piece on a busy machine
// says little, so the size only goes part of the way.
func (p *pace) took(rows int, d time.Duration) {
	if rows == 0 {
		return
	}
	old := p.size.Load()
	fits := int64(float64(rows) * float64(slice) / float64(max(d, time.Microsecond)))
	p.size.Store(min(max((old+min(fits, 3*old))/2, p.low), p.max))
}
