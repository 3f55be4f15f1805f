package memory

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/aimdb-go/aimdb/history"
)

var _ history.Shaped = (*Sink)(nil)

// Shapes implements history.Shaped.
func (s *Sink) Shapes(_ context.Context, record string) ([]int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []int
	for _, row := range s.rows {
		if row.Record == record {
			all = append(all, row.Shape)
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Rewrite implements history.Shaped. It is one step.
func (s *Sink) Rewrite(ctx context.Context, upgrade func(history.Row) (json.RawMessage, int, error), changed func(int)) error {
	return s.edit(ctx, changed, func(row *stored) bool {
		value, shape, err := upgrade(row.Row)
		if err != nil || shape == row.Shape {
			return false
		}
		row.Value, row.Shape = value, shape
		return true
	})
}

// edit changes rows in one step, unless ctx has ended. one reports whether it has changed a row,
// and changed is told how many there were, if any.
func (s *Sink) edit(ctx context.Context, changed func(int), one func(*stored) bool) error {
	s.mu.Lock()
	rows, n := slices.Clone(s.rows), 0
	for i := range rows {
		if one(&rows[i]) {
			n++
		}
	}
	err := ctx.Err()
	if err == nil {
		s.rows = rows
	}
	s.mu.Unlock()
	if n > 0 && err == nil {
		changed(n)
	}
	return err
}
