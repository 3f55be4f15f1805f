package postgres

import (
	"context"
	"iter"
	"math"
	"slices"

	"github.com/aimdb-go/aimdb/history"
)

// Latest implements history.Reader. It reads the rows of several records in one
// statement if they are few, and page by page if they are many.
func (s *Store) Latest(ctx context.Context, q history.LatestQuery) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		if err := q.Validate(); err != nil {
			yield(history.Row{}, err)
			return
		}
		sc, err := s.scope(ctx, q.Pattern)
		if err != nil {
			yield(history.Row{}, err)
			return
		}
		var steps map[string]int64
		if q.By == history.ByStoring {
			if steps, err = s.clockSteps(ctx, sc.names); err != nil {
				yield(history.Row{}, err)
				return
			}
		}
		page := min(q.Limit, firstPage, sc.budget)
		for some := range slices.Chunk(sc.names, min(sc.budget/page, manyRecords)) {
			if !s.yieldLatest(ctx, some, q, page, steps, yield) {
				return
			}
		}
	}
}

// yieldLatest yields the newest rows of some records, reading pages of a number of rows at
// first. It returns whether the caller wants more.
func (s *Store) yieldLatest(ctx context.Context, names []string, q history.LatestQuery, page int, steps map[string]int64, yield func(history.Row, error) bool) bool {
	var readers []*recordReader
	for _, name := range names {
		if steps[name] == 0 {
			r := s.newRecordReader(name, q.Window, true, math.MaxInt64, q.Limit)
			r.page = page
			readers = append(readers, r)
		}
	}
	pages, err := s.firstPages(ctx, readers)
	if err != nil {
		yield(history.Row{}, err)
		return false
	}
	for _, name := range names {
		if step := steps[name]; step != 0 {
			if !s.yieldStored(ctx, name, step, q.Limit, yield) {
				return false
			}
			continue
		}
		if !readers[0].yieldFrom(ctx, pages[0], yield) {
			return false
		}
		readers, pages = readers[1:], pages[1:]
	}
	return true
}

// yieldFrom yields a page and those that follow it, and returns whether the caller
// wants more.
func (r *recordReader) yieldFrom(ctx context.Context, page []history.Row, yield func(history.Row, error) bool) bool {
	for len(page) > 0 {
		for _, row := range page {
			if !yield(row, nil) {
				return false
			}
		}
		var err error
		if page, err = r.next(ctx, page[:0]); err != nil {
			yield(history.Row{}, err)
			return false
		}
	}
	return true
}
