package sqlite

import (
	"context"
	"database/sql"
	"math"
	"slices"

	"github.com/aimdb-go/aimdb/history"
)

// point is a place in the order of rows: by time, then by ID.
type point struct {
	time, id int64
}

func at(r history.Row) point { return point{r.Time, r.ID} }

func (p point) before(q point) bool {
	return p.time < q.time || p.time == q.time && p.id < q.id
}

// span is what is left to read of one record, page by page. Each page is a
// read transaction of its own, so that none lasts as long as the query.
type span struct {
	store      *Store
	record     string
	descending bool
	after      point // exclusive
	until      int64 // a time, inclusive
	maxID      int64
	left       int // rows that may still come; negative is no limit
	page       int
	done       bool
}

func (s *Store) newSpan(record string, w history.Window, descending bool, maxID int64, limit int) *span {
	start, end := w.Bounds()
	sp := &span{store: s, record: record, descending: descending, maxID: maxID, left: limit, page: largePage}
	if descending {
		sp.after, sp.until = point{end, math.MaxInt64}, start
	} else {
		sp.after, sp.until = point{start, math.MinInt64}, end
	}
	return sp
}

// resume goes on behind a row.
func (sp *span) resume(p point) {
	if sp.descending == p.before(sp.after) {
		sp.after = p
	}
}

// next reads the next page into a slice; it is empty at the end.
func (sp *span) next(ctx context.Context, into []history.Row) ([]history.Row, error) {
	limit := sp.page
	if sp.left >= 0 {
		limit = min(limit, sp.left)
	}
	if sp.done || limit == 0 {
		return into, nil
	}
	had := len(into)
	into, err := sp.read(ctx, into, limit)
	if err != nil {
		return into, sp.store.readError("read rows of "+sp.record, err)
	}
	got := len(into) - had
	if sp.left >= 0 {
		sp.left -= got
	}
	if got > 0 {
		sp.after = at(into[len(into)-1])
	}
	return into, nil
}

// read reads rows in the order of the index and turns those of one time round.
// The last time of a page may have more rows behind it, so it is left for the
// next page; if it is the only one, SQLite has to sort after all.
func (sp *span) read(ctx context.Context, into []history.Row, limit int) ([]history.Row, error) {
	had := len(into)
	into, cut, err := sp.query(ctx, sp.pick(sp.store.reads.forward, sp.store.reads.backward), into, limit+1)
	if err != nil {
		return into[:had], err
	}
	if !cut {
		sp.done = true
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
	into, cut, err = sp.query(ctx, sp.pick(sp.store.reads.sortedForward, sp.store.reads.sortedBackward), into[:had], limit)
	sp.done = !cut
	return into, err
}

func (sp *span) pick(forward, backward *sql.Stmt) *sql.Stmt {
	if sp.descending {
		return backward
	}
	return forward
}

// query says whether there may be more rows behind those that it read.
func (sp *span) query(ctx context.Context, statement *sql.Stmt, into []history.Row, limit int) (_ []history.Row, cut bool, err error) {
	ctx, cancel := sp.store.reading(ctx)
	defer cancel()
	rows, err := statement.QueryContext(ctx, sp.record, sp.after.time, sp.after.id, sp.until, sp.maxID, limit)
	if err != nil {
		return into, false, err
	}
	had := len(into)
	into, full, err := scanRows(rows, sp.record, into)
	return into, full || len(into)-had == limit, err
}

// reverseTies turns every run of rows of one time round.
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
