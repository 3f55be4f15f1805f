package sqlite

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// Range yields the rows of a window in the order of their times, and rows of
// one millisecond in the order of their storing, or the reverse of that. It
// yields what was stored when it began; rows that are pruned meanwhile may be
// missing, and no other. It holds a bounded number of rows in memory and no
// transaction open while it waits for its caller.
func (s *Store) Range(ctx context.Context, q history.RangeQuery) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
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
	}
}

// openRange checks a query and opens a merge where its cursor says.
func (s *Store) openRange(ctx context.Context, q history.RangeQuery) (*merge, error) {
	if err := checkRange(q); err != nil {
		return nil, err
	}
	c, err := s.parseCursor(q)
	if err != nil {
		return nil, err
	}
	names, err := s.matching(ctx, q.Pattern)
	if err != nil {
		return nil, err
	}
	if q.MaxID == 0 {
		p, err := s.Position(ctx)
		if err != nil {
			return nil, err
		}
		q.MaxID = p.MaxID
	}
	var spans []*span
	for _, name := range names {
		limit := -1
		if q.PerRecord > 0 {
			limit = max(q.PerRecord-c.given[hash(name)], 0)
		}
		span := s.newSpan(name, q.Window, q.Descending, q.MaxID, limit)
		if c.set {
			span.resume(c.after)
		}
		spans = append(spans, span)
	}
	return newMerge(ctx, spans, q.Total)
}

// rows yields the rows of a merge. From the second block on the next one is
// read while the caller works on the last.
func (m *merge) rows(ctx context.Context, total int) iter.Seq2[history.Row, error] {
	if total <= 0 {
		total = math.MaxInt
	}
	return func(yield func(history.Row, error) bool) {
		first, err := m.next(ctx, min(largePage, total), nil)
		if !yieldBlock(first, err, yield) || total == len(first) || len(m.spans) == 0 {
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
		for total > 0 && len(m.spans) > 0 {
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

// Page returns one page of a range: at most q.Total rows, 1000 if that is 0,
// and the cursor of the next page, which is empty after the last.
func (s *Store) Page(ctx context.Context, q history.RangeQuery) (rows []history.Row, next string, err error) {
	if err := checkRange(q); err != nil {
		return nil, "", err
	}
	if q.Total == 0 {
		q.Total = 1000
	}
	if q.Total > maxPage {
		return nil, "", &history.QueryError{Reason: fmt.Sprintf("a page of %d rows is too large; the most is %d", q.Total, maxPage)}
	}
	size := q.Total
	q.Total++ // one more tells whether there is a next page
	for row, err := range s.Range(ctx, q) {
		if err != nil {
			return nil, "", err
		}
		rows = append(rows, row)
	}
	if len(rows) <= size {
		return rows, "", nil
	}
	rows = rows[:size]
	next, err = s.cursorAfter(q, rows)
	return rows, next, err
}

// maxPage bounds what Page collects in memory.
const maxPage = 100_000

func checkRange(q history.RangeQuery) error {
	if q.PerRecord < 0 || q.Total < 0 {
		return &history.QueryError{Reason: "a limit is negative; 0 is no limit"}
	}
	return checkScope(q.Pattern, q.Window)
}
