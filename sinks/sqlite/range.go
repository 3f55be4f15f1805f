package sqlite

import (
	"context"
	"iter"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// Range implements history.Reader. It holds a bounded number of rows in memory.
func (s *Store) Range(ctx context.Context, q history.RangeQuery) iter.Seq2[history.Row, error] {
	return ofOneFile(s, func(yield func(history.Row, error) bool) {
		m, err := s.openRange(ctx, q)
		if err != nil {
			yield(history.Row{}, err)
			return
		}
		for row, err := range m.rows(ctx, q.Total) {
			if !yield(row, err) || err != nil {
				return
			}
		}
	})
}

// openRange checks a query and opens a merge after q.After.
func (s *Store) openRange(ctx context.Context, q history.RangeQuery) (*merge, error) {
	if err := q.Validate(); err != nil {
		return nil, err
	}
	names, err := s.matching(ctx, q.Pattern)
	if err != nil {
		return nil, err
	}
	if q.MaxID == 0 {
		if q.MaxID, err = s.maxID(ctx); err != nil {
			return nil, err
		}
	}
	var readers []*recordReader
	for _, name := range names {
		limit := -1
		if q.PerRecord > 0 {
			limit = q.PerRecord
		}
		reader := s.newRecordReader(name, q.Window, q.Descending, q.MaxID, limit)
		if q.After != nil {
			reader.resume(*q.After)
		}
		if q.StoredSince != nil {
			if err := reader.since(ctx, *q.StoredSince); err != nil {
				return nil, err
			}
		}
		readers = append(readers, reader)
	}
	return newMerge(ctx, readers, q.Total)
}

// rows yields the rows of a merge. From the second block on, the next one is read
// while the caller works on the last.
func (m *merge) rows(ctx context.Context, total int) iter.Seq2[history.Row, error] {
	if total <= 0 {
		total = math.MaxInt
	}
	return func(yield func(history.Row, error) bool) {
		first, err := m.next(ctx, min(largePage, total), nil)
		if !yieldBlock(first, err, yield) || total == len(first) || len(m.parts) == 0 {
			return
		}
		for block, err := range ahead(m.blocks(ctx, total-len(first))) {
			if !yieldBlock(block, err, yield) {
				return
			}
		}
	}
}

func (m *merge) blocks(ctx context.Context, total int) iter.Seq2[[]history.Row, error] {
	return func(yield func([]history.Row, error) bool) {
		for total > 0 && len(m.parts) > 0 {
			size := min(largePage, total)
			rows, err := m.next(ctx, size, make([]history.Row, 0, size))
			total -= len(rows)
			if !yield(rows, err) || err != nil {
				return
			}
		}
	}
}

func yieldBlock(rows []history.Row, err error, yield func(history.Row, error) bool) bool {
	for _, row := range rows {
		if !yield(row, nil) {
			return false
		}
	}
	if err != nil {
		yield(history.Row{}, err)
		return false
	}
	return true
}
