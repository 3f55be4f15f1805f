package postgres

import (
	"context"
	"math"
	"strings"

	"github.com/aimdb-go/aimdb/history"
)

const (
	// firstPage and largePage are the number of rows that the first statement and any
	// other one read at most.
	firstPage = 256
	largePage = 4096
	// pageBytes is about how many bytes of values a page has at most, from the second
	// one on.
	pageBytes = 4 << 20
)

// The statements that read a page of one record after a row, of which $2 and $3 are the
// time and the ID. The bounds of the time alone are there for the planner, which leaves
// out partitions by them. The plan is an Append of index scans in the order of the
// partitions, which stops at the limit:
//
//	Limit
//	  ->  Append
//	        ->  Index Scan [Backward] using the index on (record_name, stored_at DESC, id DESC)
const (
	forwardText = `SELECT id, stored_at, value_json, ` + shapeText + `, coalesce(written_at, 0) FROM record_history
		WHERE record_name = $1 AND stored_at BETWEEN $2 AND $4 AND (stored_at, id) > ($2, $3) AND id <= $5
		ORDER BY stored_at, id LIMIT $6`
	backwardText = `SELECT id, stored_at, value_json, ` + shapeText + `, coalesce(written_at, 0) FROM record_history
		WHERE record_name = $1 AND stored_at BETWEEN $4 AND $2 AND (stored_at, id) < ($2, $3) AND id <= $5
		ORDER BY stored_at DESC, id DESC LIMIT $6`
)

// recordReader reads rows of one record page by page. Each page is a statement and a
// transaction of its own, so that nothing is held while the caller works.
type recordReader struct {
	store      *Store
	record     string
	descending bool
	after      history.Point // exclusive
	until      int64         // a time, inclusive
	maxID      int64
	since      *int64 // leaves out rows that were written before
	left       int    // rows that may still come
	page       int    // rows of the next page
	budget     int    // and of any page
	done       bool
}

func (s *Store) newRecordReader(record string, w history.Window, descending bool, maxID int64, limit int) *recordReader {
	start, end := w.Bounds()
	r := &recordReader{store: s, record: record, descending: descending, maxID: maxID, left: limit, page: firstPage, budget: largePage}
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

func (r *recordReader) text() string {
	text := forwardText
	if r.descending {
		text = backwardText
	}
	if r.since != nil {
		return strings.Replace(text, " AND id <= ", " AND coalesce(written_at, stored_at) >= $7 AND id <= ", 1)
	}
	return text
}

// args are those of the statement, for one record or several.
func (r *recordReader) args(records any, limit int) []any {
	args := []any{records, r.after.Time, r.after.ID, r.until, r.maxID, limit}
	if r.since != nil {
		args = append(args, *r.since)
	}
	return args
}

// next reads the next page into a slice; it is empty at the end.
func (r *recordReader) next(ctx context.Context, into []history.Row) ([]history.Row, error) {
	limit := min(r.page, r.left)
	if r.done || limit == 0 {
		return into, nil
	}
	into, err := r.store.rows(ctx, r.record, into, r.text(), r.args(r.record, limit)...)
	if err == nil {
		r.took(into, limit)
	}
	return into, err
}

// rows appends the rows of one record that a statement reads.
func (s *Store) rows(ctx context.Context, record string, into []history.Row, text string, args ...any) ([]history.Row, error) {
	row := history.Row{Record: record}
	err := s.read(ctx, "read rows of "+record, text, args, []any{&row.ID, &row.Time, (*[]byte)(&row.Value), &row.Shape, &row.Stored}, func() { into = append(into, row) })
	return into, err
}

// took moves the reader after the rows of a page that had a limit, and adapts the next
// page to their size.
func (r *recordReader) took(rows []history.Row, limit int) {
	r.left -= len(rows)
	r.done = len(rows) < limit
	if r.done {
		return
	}
	r.after = rows[len(rows)-1].Point()
	size := 1
	for _, row := range rows {
		size += len(row.Value)
	}
	r.page = min(4*r.page, largePage, r.budget, max(pageBytes*len(rows)/size, 1))
}

// firstPages reads the first page of several readers in one statement. They differ only
// in their records.
func (s *Store) firstPages(ctx context.Context, readers []*recordReader) ([][]history.Row, error) {
	pages := make([][]history.Row, len(readers))
	if len(readers) == 0 {
		return pages, nil
	}
	one := readers[0]
	names := make([]string, len(readers))
	for i, r := range readers {
		names[i] = r.record
	}
	limit, n, row := min(one.page, one.left), 0, history.Row{}
	err := s.read(ctx, "read rows of several records", ofEach(one.text()),
		one.args(names, limit),
		[]any{&n, &row.ID, &row.Time, (*[]byte)(&row.Value), &row.Shape, &row.Stored},
		func() {
			row.Record = names[n-1]
			pages[n-1] = append(pages[n-1], row)
		})
	if err != nil {
		return nil, err
	}
	for i, r := range readers {
		r.took(pages[i], limit)
	}
	return pages, nil
}

// ofEach makes of a statement for the record $1 one for the records in the array $1. Its
// first column is the place of the record in the array.
func ofEach(text string) string {
	return `SELECT r.n, h.* FROM unnest($1::text[]) WITH ORDINALITY AS r(name, n) CROSS JOIN LATERAL (` +
		strings.Replace(text, "record_name = $1", "record_name = r.name", 1) + `) h`
}
