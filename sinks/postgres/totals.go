package postgres

import (
	"context"

	"github.com/aimdb-go/aimdb/history"
)

const totalsText = `SELECT coalesce(sum(rows), 0)::bigint, coalesce(sum(bytes), 0)::bigint FROM aimdb_record`

// Totals returns the sums of the history without reading it: rows of other programs are in
// them once they are counted, which Stats and sweeps do.
func (s *Store) Totals(ctx context.Context) (t history.Totals, err error) {
	var identity string
	var recount bool
	var lost int64
	if err := s.read(ctx, "read the totals", notesText, nil, []any{&identity, &recount, &t.LastPrune, &lost, &t.DeadLetters}, func() {}); err != nil {
		return t, err
	}
	t.Lost = uint64(lost)
	if err := s.read(ctx, "read the totals", totalsText, nil, []any{&t.Rows, &t.ValueBytes}, func() {}); err != nil {
		return t, err
	}
	pool, err := s.db(ctx)
	if err != nil {
		return t, err
	}
	size, err := readSize(ctx, pool)
	t.Bytes = size.rows + size.others
	return t, s.explained("read the size of the history", err)
}
