package history

import (
	"fmt"
	"math"
	"time"

	"github.com/aimdb-go/aimdb/key"
)

// Validate returns a QueryError if the query can never be answered.
func (q LatestQuery) Validate() error {
	switch {
	case q.Limit < 1:
		return refuse("the limit is %d and must be at least 1", q.Limit)
	case q.By > ByStoring:
		return refuse("there is no order %d of rows", q.By)
	case q.By == ByStoring && (q.Window.Start != nil || q.Window.End != nil):
		return refuse("rows by storing have no window of times; leave it open")
	}
	return ValidateScope(q.Pattern, q.Window)
}

// Validate returns a QueryError if the query can never be answered.
func (q RangeQuery) Validate() error {
	if q.PerRecord < 0 || q.Total < 0 {
		return refuse("a limit is negative; 0 is no limit")
	}
	return ValidateScope(q.Pattern, q.Window)
}

// Validate returns a QueryError if the query can never be answered.
func (q BucketQuery) Validate() error {
	if q.Width < time.Millisecond || q.Width%time.Millisecond != 0 {
		return refuse("the width of the buckets is %v and must be a whole number of milliseconds, at least 1", q.Width)
	}
	if _, err := ParsePath(q.Path); err != nil {
		return err
	}
	return ValidateScope(q.Pattern, q.Window)
}

// ValidateScope returns a QueryError if a pattern is empty or a window ends
// before it starts.
func ValidateScope(p key.Pattern, w Window) error {
	if p.String() == "" {
		return refuse("the pattern is empty; '#' is every record")
	}
	if start, end := w.Bounds(); start > end {
		return refuse("the start (%d ms) is after the end (%d ms)", start, end)
	}
	return nil
}

// Bounds returns the ends of the window as numbers; an open end is the least or
// the greatest time there is.
func (w Window) Bounds() (start, end int64) {
	start, end = math.MinInt64, math.MaxInt64
	if w.Start != nil {
		start = *w.Start
	}
	if w.End != nil {
		end = *w.End
	}
	return start, end
}

// WindowSince returns the window of the query without the times before StoredSince. It is
// for stores whose rows all have the times of their writes.
func (q RangeQuery) WindowSince() Window {
	w := q.Window
	if q.StoredSince != nil && (w.Start == nil || *w.Start < *q.StoredSince) {
		w.Start = q.StoredSince
	}
	return w
}

// Contains reports whether a time lies in the window.
func (w Window) Contains(ms int64) bool {
	start, end := w.Bounds()
	return start <= ms && ms <= end
}

func refuse(format string, args ...any) error {
	return &QueryError{Reason: fmt.Sprintf(format, args...)}
}
