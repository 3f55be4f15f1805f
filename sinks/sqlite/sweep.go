package sqlite

import (
	"context"
	"iter"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// pruneBatch is a number of rows to be deleted in one transaction.
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

// byRecord yields the rows of one record before a point, oldest first.
func (s *Store) byRecord(ctx context.Context, record string, until history.Point, size *stepSize) iter.Seq2[*pruneBatch, error] {
	return func(yield func(*pruneBatch, error) bool) {
		after := firstPoint
		for {
			limit := size.rows()
			b, err := s.readByRecord(ctx, record, after, until, limit)
			if err != nil {
				yield(nil, s.readError("read the rows to prune of "+record, err))
				return
			}
			if b.seen > 0 && !yield(b, nil) || b.seen < limit {
				return
			}
			after = b.last
		}
	}
}

func (s *Store) readByRecord(ctx context.Context, record string, after, until history.Point, limit int) (*pruneBatch, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, `SELECT id, stored_at, octet_length(value_json) FROM record_history
		WHERE record_name = ?1 AND stored_at BETWEEN ?2 AND ?4 AND (stored_at > ?2 OR id > ?3) AND (stored_at < ?4 OR id < ?5)
		ORDER BY stored_at, id LIMIT ?6`, record, after.Time, after.ID, until.Time, until.ID, limit)
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

// ahead runs a sequence one element ahead of its consumer. The goroutine that
// does so ends before the iterator returns.
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

// cutoffs finds for each record the first row that stays.
func (s *Store) cutoffs(ctx context.Context, keep []history.Keep) (map[string]history.Point, error) {
	cut := map[string]history.Point{}
	for _, k := range keep {
		if k.Forever {
			continue
		}
		p, err := s.cutoff(ctx, k)
		if err != nil {
			return nil, s.readError("find what to prune of "+k.Record, err)
		}
		if p != firstPoint {
			cut[k.Record] = p
		}
	}
	return cut, nil
}

func (s *Store) cutoff(ctx context.Context, k history.Keep) (history.Point, error) {
	p := firstPoint
	if k.Before != 0 {
		p.Time = k.Before
	}
	if k.MaxRows > 0 || k.MaxBytes > 0 {
		q, err := s.newestKept(ctx, k)
		if err != nil {
			return p, err
		}
		if p.Before(q) {
			p = q
		}
	}
	return p, nil
}

// newestKept walks from the newest row back until the limits of rows or bytes
// are used up, and returns the last row inside them.
func (s *Store) newestKept(ctx context.Context, k history.Keep) (history.Point, error) {
	none := firstPoint
	if within, err := s.withinLimits(ctx, k); err != nil || within {
		return none, err
	}
	rows, bytes := int64(0), int64(0)
	kept, from := none, lastPoint
	for {
		sizes, err := s.sizesBefore(ctx, k.Record, from)
		if err != nil {
			return none, err
		}
		for _, size := range sizes {
			rows, bytes = rows+1, bytes+size.bytes
			if k.MaxRows > 0 && rows > k.MaxRows || k.MaxBytes > 0 && bytes > k.MaxBytes {
				if kept == none { // not even the newest fits
					kept = history.Point{Time: size.Time, ID: math.MaxInt64}
				}
				return kept, nil
			}
			kept = size.Point
		}
		if len(sizes) < sizesPage {
			return none, nil
		}
		from = kept
	}
}

// withinLimits asks the counts beside the history, which answer at once for a
// record that has nothing to lose.
func (s *Store) withinLimits(ctx context.Context, k history.Keep) (bool, error) {
	if counted, err := s.isCounted(ctx); err != nil || !counted {
		return false, err
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	var rows, bytes int64
	err := s.readers.QueryRowContext(ctx, "SELECT coalesce(max(rows), 0), coalesce(max(bytes), 0) FROM aimdb_record WHERE name = ?", k.Record).Scan(&rows, &bytes)
	return (k.MaxRows <= 0 || rows <= k.MaxRows) && (k.MaxBytes <= 0 || bytes <= k.MaxBytes), err
}

type sized struct {
	history.Point
	bytes int64
}

const sizesPage = 4096

func (s *Store) sizesBefore(ctx context.Context, record string, from history.Point) ([]sized, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, `SELECT stored_at, id, octet_length(value_json) FROM record_history
		WHERE record_name = ?1 AND stored_at <= ?2 AND (stored_at < ?2 OR id < ?3)
		ORDER BY stored_at DESC, id DESC LIMIT ?4`, record, from.Time, from.ID, sizesPage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var sizes []sized
	for rows.Next() {
		var one sized
		if err := rows.Scan(&one.Time, &one.ID, &one.bytes); err != nil {
			return nil, err
		}
		sizes = append(sizes, one)
	}
	return sizes, rows.Err()
}
