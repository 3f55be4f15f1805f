package postgres

import (
	"context"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// The clock that write times come from may be set back. aimdb_record has the ID of the
// row at which that last happened to a record. The rows from there on were stored last,
// and among them time and ID give the same order.
const (
	stepsText = "SELECT record_name, step_id FROM aimdb_record WHERE step_id IS NOT NULL AND record_name = ANY($1)"
	// lateText reads rows from the step $2 on and before the row $3.
	lateText = `SELECT id, stored_at, value_json FROM record_history
		WHERE record_name = $1 AND id >= $2 AND id < $3 ORDER BY id DESC LIMIT $4`
)

func (s *Store) clockSteps(ctx context.Context, names []string) (map[string]int64, error) {
	steps, name, id := map[string]int64{}, "", int64(0)
	err := s.read(ctx, "read when clocks were set back", stepsText, []any{names}, []any{&name, &id}, func() { steps[name] = id })
	return steps, err
}

// yieldStored yields the rows of one record that were stored last, and returns whether
// the caller wants more. If the clock was set back more than once, the rows from before
// the last time are ordered by time.
func (s *Store) yieldStored(ctx context.Context, record string, step int64, left int, yield func(history.Row, error) bool) bool {
	var page []history.Row
	for before := int64(math.MaxInt64); left > 0; {
		limit := min(left, firstPage)
		var err error
		if page, err = s.rows(ctx, record, page[:0], lateText, record, step, before, limit); err != nil {
			yield(history.Row{}, err)
			return false
		}
		for _, row := range page {
			if !yield(row, nil) {
				return false
			}
		}
		left -= len(page)
		if len(page) < limit {
			break
		}
		before = page[len(page)-1].ID
	}
	r := s.newRecordReader(record, history.Window{}, true, step-1, left)
	page, err := r.next(ctx, nil)
	if err != nil {
		yield(history.Row{}, err)
		return false
	}
	return r.yieldFrom(ctx, page, yield)
}
