package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/aimdb-go/aimdb/history"
)

var _ history.EventTimed = (*Sink)(nil)

// at is when a row was written.
func (s stored) at() int64 {
	if s.timed {
		return s.written
	}
	return s.Time
}

// HasEventTimes implements history.EventTimed.
func (s *Sink) HasEventTimes(ctx context.Context) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.rows, func(row stored) bool { return row.timed }), ctx.Err()
}

// EventTimes implements history.EventTimed.
func (s *Sink) EventTimes(ctx context.Context, records ...string) (map[string]history.EventTimes, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]history.EventTimes{}
	for _, row := range s.rows {
		if len(records) > 0 && !slices.Contains(records, row.Record) {
			continue
		}
		n := all[row.Record]
		if row.timed {
			n.With++
		} else {
			n.Without++
		}
		all[row.Record] = n
	}
	return all, ctx.Err()
}

// Retime implements history.EventTimed. It is one step.
func (s *Sink) Retime(ctx context.Context, record string, own func(history.Row) (int64, bool), changed func(int)) error {
	return s.edit(ctx, changed, func(row *stored) bool {
		if row.Record != record {
			return false
		}
		before := *row
		row.written = row.at()
		row.Time, row.timed = row.written, own != nil
		if own != nil {
			if ms, has := own(before.Row); has {
				row.Time = ms
			}
		}
		return row.Time != before.Time || row.timed != before.timed
	})
}

// newestStored puts the rows of one record into the order of their storing, the last first.
// Rows of values with times of their own come by ID. Those of other ones go by time up to
// the last clock step, and those after it come first.
func newestStored(rows []stored) {
	slices.SortFunc(rows, func(a, b stored) int { return cmp.Compare(a.ID, b.ID) })
	if slices.ContainsFunc(rows, func(row stored) bool { return row.timed }) {
		slices.SortStableFunc(rows, func(a, b stored) int {
			if a.timed != b.timed {
				if a.timed {
					return 1
				}
				return -1
			}
			if a.timed {
				return 0
			}
			return byTime(a.Row, b.Row)
		})
		slices.Reverse(rows)
		return
	}
	step := 0
	for i := 1; i < len(rows); i++ {
		if rows[i].Time < rows[i-1].Time {
			step = i
		}
	}
	slices.SortFunc(rows[:step], func(a, b stored) int { return byTime(a.Row, b.Row) })
	slices.SortFunc(rows[step:], func(a, b stored) int { return byTime(a.Row, b.Row) })
	slices.Reverse(rows)
}
