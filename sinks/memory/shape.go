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
	s.mu.Lock()
	rows := slices.Clone(s.rows)
	n := 0
	for i := range rows {
		row := &rows[i].Row
		value, shape, err := upgrade(*row)
		if err == nil && shape != row.Shape {
			row.Value, row.Shape = value, shape
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
