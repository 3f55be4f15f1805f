package sqlite

import (
	"context"
	"database/sql"
	"math"
	"slices"

	"github.com/aimdb-go/aimdb/history"
)

// firstPoint and lastPoint come before and after every row.
var (
	firstPoint = history.Point{Time: math.MinInt64, ID: math.MinInt64}
	lastPoint  = history.Point{Time: math.MaxInt64, ID: math.MaxInt64}
)

// recordReader reads rows of one record page by page. Each page is a read
// transaction of its own, so that none lasts as long as the query.
type recordReader struct {
	store      *Store
	record     string
	descending bool
	after      history.Point // exclusive
	until      int64         // a time, inclusive
	minID      int64
	maxID      int64
	left       int // rows that may still come; negative is no limit
	page       int
	done       bool
}

func (s *Store) newRecordReader(record string, w history.Window, descending bool, maxID int64, limit int) *recordReader {
	start, end := w.Bounds()
	r := &recordReader{store: s, record: record, descending: descending, maxID: maxID, left: limit, page: largePage}
	if descending {
		r.after, r.until = history.Point{Time: end, ID: math.MaxInt64}, start
	} else {
		r.after, r.until = history.Point{Time: start, ID: math.MinInt64}, end
	}
	return r
}

// resume skips all rows up to a point.
func (r *recordReader) resume(p history.Point) {
	if r.descending == p.Before(r.after) {
		r.after = p
	}
}

// since leaves out rows that were stored before a time.
func (r *recordReader) since(ctx context.Context, ms int64) error {
	first, timed, err := r.store.storedSince(ctx, r.record, ms)
	switch {
	case err != nil:
		return err
	case timed:
		r.minID = first
	case r.descending:
		r.until = max(r.until, ms)
	default:
		r.resume(history.Point{Time: ms, ID: math.MinInt64})
	}
	return nil
}

// next reads the next page into a slice; it is empty at the end.
func (r *recordReader) next(ctx context.Context, into []history.Row) ([]history.Row, error) {
	limit := r.page
	if r.left >= 0 {
		limit = min(limit, r.left)
	}
	if r.done || limit == 0 {
		return into, nil
	}
	had := len(into)
	into, err := r.read(ctx, into, limit)
	if err != nil {
		return into, r.store.readError("read rows of "+r.record, err)
	}
	got := len(into) - had
	if r.left >= 0 {
		r.left -= got
	}
	if got > 0 {
		r.after = into[len(into)-1].Point()
	}
	return into, nil
}

// read reads rows in the order of the index, which has the IDs of one time in
// the wrong order, and reverses those. The last time of a page may have more
// rows, so it is left for the next page; if it is the only one, SQLite has to
// sort.
func (r *recordReader) read(ctx context.Context, into []history.Row, limit int) ([]history.Row, error) {
	had := len(into)
	into, cut, err := r.query(ctx, r.pick(r.store.reads.forward, r.store.reads.backward), into, limit+1)
	if err != nil {
		return into[:had], err
	}
	if !cut {
		r.done = true
		reverseTies(into[had:])
		return into, nil
	}
	end := len(into) - 1
	for last := into[end].Time; end > had && into[end-1].Time == last; {
		end--
	}
	if end > had {
		reverseTies(into[had:end])
		return into[:end], nil
	}
	into, cut, err = r.query(ctx, r.pick(r.store.reads.sortedForward, r.store.reads.sortedBackward), into[:had], limit)
	r.done = !cut
	return into, err
}

func (r *recordReader) pick(forward, backward *sql.Stmt) *sql.Stmt {
	if r.descending {
		return backward
	}
	return forward
}

// query also returns whether there may be more rows after those that it read.
func (r *recordReader) query(ctx context.Context, statement *sql.Stmt, into []history.Row, limit int) (_ []history.Row, cut bool, err error) {
	ctx, cancel := r.store.reading(ctx)
	defer cancel()
	rows, err := statement.QueryContext(ctx, r.record, r.after.Time, r.after.ID, r.until, r.maxID, limit, r.minID)
	if err != nil {
		return into, false, err
	}
	had := len(into)
	into, full, err := scanRows(rows, r.record, into)
	return into, full || len(into)-had == limit, err
}

// reverseTies reverses every run of rows of one time.
func reverseTies(rows []history.Row) {
	for start := 0; start < len(rows); {
		end := start + 1
		for end < len(rows) && rows[end].Time == rows[start].Time {
			end++
		}
		slices.Reverse(rows[start:end])
		start = end
	}
}
