package sqlite

import (
	"context"

	"github.com/aimdb-go/aimdb/history"
)

// yieldStored yields the rows of one record that were stored last, and says
// whether more are wanted. Without a clock step they are the latest by time. The
// rows from after a clock step come before all others; where the clock was set
// back more than once, the others are in the order of their times.
func (s *Store) yieldStored(ctx context.Context, record string, q history.LatestQuery, page []history.Row, yield func(history.Row, error) bool) ([]history.Row, bool) {
	t, err := s.turnOf(ctx, record)
	if err != nil {
		yield(history.Row{}, s.readError("read where the times of "+record+" turn back", err))
		return page, false
	}
	if t == (turn{}) {
		return s.yieldLatest(ctx, record, q, page, yield)
	}
	limit := q.Limit
	for _, text := range []string{lastRows, earlierRows} {
		if limit = s.yieldRows(ctx, text, record, t, limit, yield); limit <= 0 {
			return page, limit == 0
		}
	}
	return page, true
}

// turnOf looks only if the writer knows of any turn, so that a start with many
// records costs nothing for it.
func (s *Store) turnOf(ctx context.Context, record string) (turn, error) {
	if !s.own || s.write != nil && !s.write.turned.Load() {
		return turn{}, nil
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	return readTurn(ctx, s.readers, record)
}

// yieldRows returns how many rows may still come; a negative number ends the
// query.
func (s *Store) yieldRows(ctx context.Context, text, record string, t turn, limit int, yield func(history.Row, error) bool) (left int) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	failed := func(err error) int {
		yield(history.Row{}, s.readError("read the last rows of "+record, err))
		return -1
	}
	rows, err := s.readers.QueryContext(ctx, text, record, t.from, t.time, t.until, limit)
	if err != nil {
		return failed(err)
	}
	defer rows.Close()
	scan := newScanner()
	for rows.Next() {
		row, err := scan.scan(rows, record)
		if err != nil {
			return failed(err)
		}
		if limit--; !yield(row, nil) {
			return -1
		}
	}
	if err := rows.Err(); err != nil {
		return failed(err)
	}
	return limit
}
