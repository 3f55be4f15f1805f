package postgres

import (
	"context"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// clockStep is where the clock of a record was last set back, and the time of the row
// stored last. The rows after the step have IDs from its own on and times between the two.
// Others with such IDs, which came as dead letters or from other programs, count by their
// times.
type clockStep struct{ id, time, last int64 }

const (
	stepsText = "SELECT record_name, step_id, step_time, coalesce(last_time, step_time) FROM aimdb_record WHERE step_id IS NOT NULL AND record_name = ANY($1)"
	// storedText reads the rows after a clock step if $5 is true, the others if it is not.
	storedText = `SELECT id, stored_at, value_json, ` + shapeText + `, coalesce(written_at, 0) FROM record_history
		WHERE record_name = $1 AND stored_at BETWEEN $4 AND $2 AND (stored_at, id) < ($2, $3)
		AND (id >= $6 AND stored_at BETWEEN $7 AND $8) = $5
		ORDER BY stored_at DESC, id DESC LIMIT $9`
)

func (s *Store) clockSteps(ctx context.Context, names []string) (map[string]clockStep, error) {
	steps, name, step := map[string]clockStep{}, "", clockStep{}
	err := s.read(ctx, "read when clocks were set back", stepsText, []any{names}, []any{&name, &step.id, &step.time, &step.last}, func() { steps[name] = step })
	return steps, err
}

// yieldStored yields the rows of one record that were stored last, page by page, and returns
// whether the caller wants more. Rows after the clock step come before all others. If the
// clock was set back more than once, the others are ordered by time.
func (s *Store) yieldStored(ctx context.Context, record string, step clockStep, left, limit int, yield func(history.Row, error) bool) bool {
	for _, late := range []bool{true, false} {
		before, from := history.Point{Time: math.MaxInt64, ID: math.MaxInt64}, int64(math.MinInt64)
		if late {
			before.Time, from = step.last, step.time
		}
		for left > 0 {
			wanted := min(left, limit)
			page, err := s.rows(ctx, record, nil, storedText, record, before.Time, before.ID, from, late, step.id, step.time, step.last, wanted)
			if err != nil {
				yield(history.Row{}, err)
				return false
			}
			for _, row := range page {
				if !yield(row, nil) {
					return false
				}
			}
			if left -= len(page); len(page) < wanted {
				break
			}
			before = page[len(page)-1].Point()
		}
	}
	return true
}
