package sqlite

import (
	"context"
	"iter"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// Last yields the rows of one record that were stored last, the last one first.
// They are those that Latest yields, unless the clock was set back: rows from
// behind that come before all others then, whatever their times. Where it was
// set back more than once, the others are in the order of their times.
func (s *Store) Last(ctx context.Context, record string, limit int) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		if !s.names.mayHave(record) {
			return // a first start asks for many that have not
		}
		t, err := s.turnOf(ctx, record)
		if err != nil {
			yield(history.Row{}, s.readError("read where the times of "+record+" turn back", err))
			return
		}
		if t == (turn{}) {
			q := history.LatestQuery{Pattern: key.WirePattern(record), Limit: limit}
			_, _ = s.yieldLatest(ctx, record, q, nil, yield)
			return
		}
		for _, text := range []string{lastRows, earlierRows} {
			if limit = s.yieldRows(ctx, text, record, t, limit, yield); limit == 0 {
				return
			}
		}
	}
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

// yieldRows says how many rows may still come; 0 is an end, whatever the reason.
func (s *Store) yieldRows(ctx context.Context, text, record string, t turn, limit int, yield func(history.Row, error) bool) (left int) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	failed := func(err error) int {
		yield(history.Row{}, s.readError("read the last rows of "+record, err))
		return 0
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
			return 0
		}
	}
	if err := rows.Err(); err != nil {
		return failed(err)
	}
	return limit
}
