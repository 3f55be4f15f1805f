package sqlite

import (
	"context"
	"iter"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// pruneBatch are rows to be deleted in one transaction.
type pruneBatch struct {
	ids []int64
	// runs are the lengths of parts of ids between whose ends there is no row
	// that stays.
	runs   []int
	counts rowCounts
	// seen is the number of rows that were looked at, last the place of the last
	// of them.
	seen int
	last history.Point
}

// take adds a row; joined says that it directly follows the one before.
func (b *pruneBatch) take(id int64, record string, bytes int64, joined bool) {
	if joined && len(b.runs) > 0 {
		b.runs[len(b.runs)-1]++
	} else {
		b.runs = append(b.runs, 1)
	}
	b.ids = append(b.ids, id)
	b.counts.add(record, 1, bytes)
}

// byID yields the rows between two IDs that a function selects, in the order of
// the table, which is the cheapest one to delete in.
func (s *Store) byID(ctx context.Context, from, to int64, size *stepSize, selects func(record string, p history.Point) bool) iter.Seq2[*pruneBatch, error] {
	return func(yield func(*pruneBatch, error) bool) {
		for after := from - 1; after < to; {
			b, err := s.readByID(ctx, after, to, size.rows(), selects)
			if err != nil {
				yield(nil, s.readError("read the rows to prune", err))
				return
			}
			if b.seen == 0 || !yield(b, nil) {
				return
			}
			after = b.last.ID
		}
	}
}

func (s *Store) readByID(ctx context.Context, after, to int64, limit int, selects func(string, history.Point) bool) (*pruneBatch, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, "SELECT id, record_name, stored_at, octet_length(value_json) FROM record_history WHERE id > ? AND id <= ? ORDER BY id LIMIT ?", after, to, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	b, joined := &pruneBatch{counts: rowCounts{}}, false
	for rows.Next() {
		var record string
		var bytes int64
		if err := rows.Scan(&b.last.ID, &record, &b.last.Time, &bytes); err != nil {
			return nil, err
		}
		b.seen++
		if selects(record, b.last) {
			b.take(b.last.ID, record, bytes, joined)
			joined = true
		} else {
			joined = false
		}
	}
	return b, rows.Err()
}

// timeSpan is a span of times and IDs, whose ends are included.
type timeSpan struct{ from, to, firstID, lastID int64 }

// spans returns the spans of the rows that a cutoff selects. They do not overlap.
func (c cutoff) spans() (all []timeSpan) {
	if c.before > math.MinInt64 {
		all = append(all, timeSpan{math.MinInt64, c.before - 1, math.MinInt64, math.MaxInt64})
	}
	if c.id > 0 {
		all = append(all, timeSpan{c.before, math.MaxInt64, math.MinInt64, c.id - 1})
	}
	if c.found > 0 {
		all = append(all, timeSpan{max(c.before, c.future+1), math.MaxInt64, c.id, c.found})
	}
	return all
}

// byRecord yields the rows of one record that a cutoff selects, oldest first.
func (s *Store) byRecord(ctx context.Context, record string, c cutoff, size *stepSize) iter.Seq2[*pruneBatch, error] {
	return func(yield func(*pruneBatch, error) bool) {
		for _, span := range c.spans() {
			after := history.Point{Time: span.from, ID: math.MinInt64}
			for more := true; more; {
				limit := size.rows()
				b, err := s.readByRecord(ctx, record, "TRUE", after, span, limit)
				if err != nil {
					yield(nil, s.readError("read the rows to prune of "+record, err))
					return
				}
				if b.seen > 0 && !yield(b, nil) {
					return
				}
				after, more = b.last, b.seen == limit
			}
		}
	}
}

// readByRecord reads rows of a span for which a condition holds.
func (s *Store) readByRecord(ctx context.Context, record, condition string, after history.Point, span timeSpan, limit int) (*pruneBatch, error) {
	return s.readBatch(ctx, record, `SELECT id, stored_at, octet_length(value_json) FROM record_history
		WHERE record_name = ?1 AND stored_at BETWEEN ?2 AND ?4 AND (stored_at > ?2 OR id > ?3) AND +id BETWEEN ?5 AND ?6 AND `+condition+`
		ORDER BY stored_at, id LIMIT ?7`, record, after.Time, after.ID, span.to, span.firstID, span.lastID, limit)
}

// readBatch reads the ID, the time and the size of rows of one record.
func (s *Store) readBatch(ctx context.Context, record, text string, args ...any) (*pruneBatch, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	b := &pruneBatch{counts: rowCounts{}}
	for rows.Next() {
		var bytes int64
		if err := rows.Scan(&b.last.ID, &b.last.Time, &bytes); err != nil {
			return nil, err
		}
		b.seen++
		b.take(b.last.ID, record, bytes, false)
	}
	return b, rows.Err()
}

// ahead runs a sequence one element ahead of its consumer, in a goroutine that ends
// before the iterator returns.
func ahead[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	type element struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		elements, quit := make(chan element), make(chan struct{})
		go func() {
			defer close(elements)
			for value, err := range seq {
				select {
				case elements <- element{value, err}:
				case <-quit:
					return
				}
			}
		}()
		defer func() {
			close(quit)
			for range elements { // until the goroutine has closed it
			}
		}()
		for e := range elements {
			if !yield(e.value, e.err) {
				return
			}
		}
	}
}
