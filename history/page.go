package history

import (
	"context"
	"fmt"
)

// Bounds of a page in rows.
const (
	DefaultPageRows = 1000
	MaxPageRows     = 100_000
)

// rowOverhead is about what a row of a page takes beside its name and value.
const rowOverhead = 48

// PageQuery asks for one page of a range.
type PageQuery struct {
	// RangeQuery is the range. Total is the number of rows of the page,
	// DefaultPageRows if it is 0. PerRecord counts over all pages. After is set
	// by the cursor.
	RangeQuery
	// Cursor is Next of the page before, empty for the first page. The rest of
	// the query must be the same, apart from Total, MaxBytes and MaxID.
	Cursor string
	// MaxBytes bounds the names and values of the page; 0 is no bound. A page
	// has at least one row if there is one.
	MaxBytes int
}

// Page is one page of a range.
type Page struct {
	// Rows is never nil.
	Rows []Row `json:"rows"`
	// Next is the cursor of the following page, empty after the last.
	Next string `json:"next"`
	// MaxID is the last row that the page could see. A query for the next page
	// that carries it does not see later rows.
	MaxID int64 `json:"max_id"`
}

// ReadPage reads one page. A cursor stays good while rows are added and pruned.
// One that does not belong to the history and the query is ErrBadCursor.
func ReadPage(ctx context.Context, r Reader, q PageQuery) (Page, error) {
	if q.Total == 0 {
		q.Total = DefaultPageRows
	}
	if q.Total < 0 || q.Total > MaxPageRows {
		return Page{}, &QueryError{Reason: fmt.Sprintf("a page of %d rows cannot be read; ask for 1 to %d", q.Total, MaxPageRows)}
	}
	at, err := r.Position(ctx)
	if err != nil {
		return Page{}, err
	}
	if q.MaxID == 0 {
		q.MaxID = at.MaxID
	}
	c, err := parseCursor(at.Identity, q)
	if err != nil {
		return Page{}, err
	}
	page := Page{Rows: []Row{}, MaxID: q.MaxID}
	size := 0
	for row, err := range r.Range(ctx, c.rest(q.RangeQuery)) {
		if err != nil {
			return Page{}, err
		}
		if q.PerRecord > 0 && c.taken[hash(row.Record)] >= q.PerRecord {
			continue // earlier pages have its share
		}
		size += len(row.Record) + len(row.Value) + rowOverhead
		full := q.MaxBytes > 0 && size > q.MaxBytes && len(page.Rows) > 0
		if full || len(page.Rows) == q.Total {
			page.Next = c.encode(at.Identity, q)
			break
		}
		page.Rows = append(page.Rows, row)
		c.take(row, q.PerRecord > 0)
	}
	return page, nil
}
