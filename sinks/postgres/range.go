package postgres

import (
	"cmp"
	"context"
	"iter"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// Range implements history.Reader. It reads page by page, up to the last row that was
// stored when it began, and holds a bounded number of rows in memory.
func (s *Store) Range(ctx context.Context, q history.RangeQuery) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		total := cmp.Or(q.Total, math.MaxInt)
		m, err := s.openRange(ctx, q, total)
		if err != nil {
			yield(history.Row{}, err)
			return
		}
		for range total {
			row, more, err := m.next(ctx)
			if err != nil {
				yield(history.Row{}, err)
				return
			}
			if !more || !yield(row, nil) {
				return
			}
		}
	}
}

// openRange checks a query and opens a merge after q.After.
func (s *Store) openRange(ctx context.Context, q history.RangeQuery, total int) (*merge, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	sc, err := s.scope(ctx, q.Pattern)
	if err != nil {
		return nil, err
	}
	readers := make([]*recordReader, 0, len(sc.names))
	for _, name := range sc.names {
		window, since := q.WindowSince(), (*int64)(nil)
		if sc.timed[name] {
			window, since = q.Window, q.StoredSince
		}
		r := s.newRecordReader(name, window, q.Descending, cmp.Or(q.MaxID, sc.maxID), min(cmp.Or(q.PerRecord, math.MaxInt), total))
		r.since = since
		if q.After != nil {
			r.resume(*q.After)
		}
		readers = append(readers, r)
	}
	return s.newMerge(ctx, readers, sc.budget, total)
}
