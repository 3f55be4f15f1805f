package sqlite

import (
	"context"
	"iter"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// doomed is a number of rows to be deleted in one transaction.
type doomed struct {
	ids []int64
	// runs are the lengths of parts of ids between whose ends there is no row
	// that stays.
	runs  []int
	tally tally
	// seen is the number of rows that were looked at, last the ID or the place
	// of the last of them.
	seen int
	last point
}

func newDoomed() *doomed { return &doomed{tally: tally{}} }

// take dooms a row; joined says that it lies right behind the one before.
func (d *doomed) take(id int64, record string, bytes int64, joined bool) {
	if joined && len(d.runs) > 0 {
		d.runs[len(d.runs)-1]++
	} else {
		d.runs = append(d.runs, 1)
	}
	d.ids = append(d.ids, id)
	d.tally.add(record, -1, -bytes)
}

// byID yields the rows between two IDs that a function dooms, in the order of
// the table, which is the cheapest one to delete in.
func (s *Store) byID(ctx context.Context, from, to int64, size *pace, goes func(record string, p point) bool) iter.Seq2[*doomed, error] {
	return func(yield func(*doomed, error) bool) {
		for after := from - 1; after < to; {
			d, err := s.readByID(ctx, after, to, size.rows(), goes)
			if err != nil {
				yield(nil, s.readError("read the rows to prune", err))
				return
			}
			if d.seen == 0 || !yield(d, nil) {
				return
			}
			after = d.last.id
		}
	}
}

func (s *Store) readByID(ctx context.Context, after, to int64, limit int, goes func(string, point) bool) (*doomed, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, "SELECT id, record_name, stored_at, octet_length(value_json) FROM record_history WHERE id > ? AND id <= ? ORDER BY id LIMIT ?", after, to, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	d, joined := newDoomed(), false
	for rows.Next() {
		var record string
		var bytes int64
		if err := rows.Scan(&d.last.id, &record, &d.last.time, &bytes); err != nil {
			return nil, err
		}
		d.seen++
		if goes(record, d.last) {
			d.take(d.last.id, record, bytes, joined)
			joined = true
		} else {
			joined = false
		}
	}
	return d, rows.Err()
}

// byRecord yields the rows of one record before a point, oldest first.
func (s *Store) byRecord(ctx context.Context, record string, until point, size *pace) iter.Seq2[*doomed, error] {
	return func(yield func(*doomed, error) bool) {
		after := point{math.MinInt64, math.MinInt64}
		for {
			limit := size.rows()
			d, err := s.readByRecord(ctx, record, after, until, limit)
			if err != nil {
				yield(nil, s.readError("read the rows to prune of "+record, err))
				return
			}
			if d.seen > 0 && !yield(d, nil) || d.seen < limit {
				return
			}
			after = d.last
		}
	}
}

func (s *Store) readByRecord(ctx context.Context, record string, after, until point, limit int) (*doomed, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, `SELECT id, stored_at, octet_length(value_json) FROM record_history
		WHERE record_name = ?1 AND stored_at BETWEEN ?2 AND ?4 AND (stored_at > ?2 OR id > ?3) AND (stored_at < ?4 OR id < ?5)
		ORDER BY stored_at, id LIMIT ?6`, record, after.time, after.id, until.time, until.id, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	d := newDoomed()
	for rows.Next() {
		var bytes int64
		if err := rows.Scan(&d.last.id, &d.last.time, &bytes); err != nil {
			return nil, err
		}
		d.seen++
		d.take(d.last.id, record, bytes, false)
	}
	return d, rows.Err()
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
func (s *Store) cutoffs(ctx context.Context, keep []history.Keep) (map[string]point, error) {
	cut := map[string]point{}
	for _, k := range keep {
		if k.Forever {
			continue
		}
		p, err := s.cutoff(ctx, k)
		if err != nil {
			return nil, s.readError("find what to prune of "+k.Record, err)
		}
		if p != (point{math.MinInt64, math.MinInt64}) {
			cut[k.Record] = p
		}
	}
	return cut, nil
}

func (s *Store) cutoff(ctx context.Context, k history.Keep) (point, error) {
	p := point{math.MinInt64, math.MinInt64}
	if k.Before != 0 {
		p.time = k.Before
	}
	if k.MaxRows > 0 || k.MaxBytes > 0 {
		q, err := s.newestKept(ctx, k)
		if err != nil {
			return p, err
		}
		if p.before(q) {
			p = q
		}
	}
	return p, nil
}

// newestKept walks from the newest row back until the limits of rows or bytes
// are used up, and returns the last row inside them.
func (s *Store) newestKept(ctx context.Context, k history.Keep) (point, error) {
	none := point{math.MinInt64, math.MinInt64}
	if within, err := s.withinLimits(ctx, k); err != nil || within {
		return none, err
	}
	rows, bytes := int64(0), int64(0)
	kept, from := none, point{math.MaxInt64, math.MaxInt64}
	for {
		sizes, err := s.sizesBefore(ctx, k.Record, from)
		if err != nil {
			return none, err
		}
		for _, size := range sizes {
			rows, bytes = rows+1, bytes+size.bytes
			if k.MaxRows > 0 && rows > k.MaxRows || k.MaxBytes > 0 && bytes > k.MaxBytes {
				if kept == none { // not even the newest fits
					kept = point{size.time, math.MaxInt64}
				}
				return kept, nil
			}
			kept = size.point
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
	if !s.own {
		return false, nil
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	var rows, bytes int64
	err := s.readers.QueryRowContext(ctx, "SELECT coalesce(max(rows), 0), coalesce(max(bytes), 0) FROM aimdb_record WHERE name = ?", k.Record).Scan(&rows, &bytes)
	return (k.MaxRows <= 0 || rows <= k.MaxRows) && (k.MaxBytes <= 0 || bytes <= k.MaxBytes), err
}

type sized struct {
	point
	bytes int64
}

const sizesPage = 4096

func (s *Store) sizesBefore(ctx context.Context, record string, from point) ([]sized, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, `SELECT stored_at, id, octet_length(value_json) FROM record_history
		WHERE record_name = ?1 AND stored_at <= ?2 AND (stored_at < ?2 OR id < ?3)
		ORDER BY stored_at DESC, id DESC LIMIT ?4`, record, from.time, from.id, sizesPage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var sizes []sized
	for rows.Next() {
		var one sized
		if err := rows.Scan(&one.time, &one.id, &one.bytes); err != nil {
			return nil, err
		}
		sizes = append(sizes, one)
	}
	return sizes, rows.Err()
}
