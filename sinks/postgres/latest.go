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
		var steps map[string]clockStep
		if q.By == history.ByStoring {
			if steps, err = s.clockSteps(ctx, sc.names); err != nil {
				yield(history.Row{}, err)
				return
			}
		}
		page := min(q.Limit, firstPage, sc.budget)
		for some := range slices.Chunk(sc.names, min(sc.budget/page, manyRecords)) {
			if !s.yieldLatest(ctx, sc, some, q, page, recent(sc.last, s.facts.Load().width), steps, yield) {
				return
			}
		}
	}
}

// yieldLatest yields the newest rows of some records, reading pages of a number of rows at
// first. It returns whether the caller wants more.
func (s *Store) yieldLatest(ctx context.Context, sc scope, names []string, q history.LatestQuery, page int, recent int64, steps map[string]clockStep, yield func(history.Row, error) bool) bool {
	timed := func(name string) bool { return q.By == history.ByStoring && sc.timed[name] }
	var readers []*recordReader
	for _, name := range names {
		if _, stepped := steps[name]; !stepped && !timed(name) {
			r := s.newRecordReader(name, q.Window, true, math.MaxInt64, q.Limit)
			r.page = page
			readers = append(readers, r)
		}
	}
	pages, err := s.newestPages(ctx, readers, recent)
	if err != nil {
		yield(history.Row{}, err)
		return false
	}
	for _, name := range names {
		if timed(name) {
			if !s.yieldWritten(ctx, name, q.Limit, page, yield) {
				return false
			}
			continue
		}
		if step, stepped := steps[name]; stepped {
			if !s.yieldStored(ctx, name, step, q.Limit, page, yield) {
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

// recent is where the last two partitions begin that have rows, if clocks are right.
func recent(last, width int64) int64 {
	start, _ := partitionStart(max(last-width, 0), width)
	return start
}

// newestPages reads the first pages of readers that begin with the newest rows. It looks
// from a recent time on at first, since a statement that could need each partition of many
// takes long to start.
func (s *Store) newestPages(ctx context.Context, readers []*recordReader, recent int64) ([][]history.Row, error) {
	if len(readers) == 0 || readers[0].until >= recent || readers[0].after.Time < recent {
		return s.firstPages(ctx, readers)
	}
	until := readers[0].until
	looks := make([]*recordReader, len(readers))
	for i, r := range readers {
		look := *r
		look.until = recent
		looks[i] = &look
	}
	pages, err := s.firstPages(ctx, looks)
	if err != nil {
		return nil, err
	}
	var rest []*recordReader
	var places []int
	for i, r := range readers {
		if looks[i].done && looks[i].left > 0 {
			rest, places = append(rest, r), append(places, i)
			continue
		}
		*r = *looks[i]
		r.until = until
	}
	again, err := s.firstPages(ctx, rest)
	for j, page := range again {
		pages[places[j]] = page
	}
	return pages, err
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
