package sqlite

import (
	"context"
	"errors"
	"iter"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// Rows yields the matching rows after an ID in the order of their IDs, which is
// the cheapest order to read all of a history in. Like Range it yields what was
// stored when it began.
func (s *Store) Rows(ctx context.Context, p key.Pattern, w history.Window, afterID int64) iter.Seq2[history.Row, error] {
	return ofOneFile(s, func(yield func(history.Row, error) bool) {
		if err := history.ValidateScope(p, w); err != nil {
			yield(history.Row{}, err)
			return
		}
		to, err := s.maxID(ctx)
		if err != nil {
			yield(history.Row{}, err)
			return
		}
		pages := s.rowPages(ctx, w, afterID, to)
		for page, err := range ahead(pages) {
			for _, row := range page {
				if p.Match(row.Record) && !yield(row, nil) {
					return
				}
			}
			if err != nil {
				yield(history.Row{}, s.readError("read rows", err))
				return
			}
		}
	})
}

func (s *Store) rowPages(ctx context.Context, w history.Window, after, to int64) iter.Seq2[[]history.Row, error] {
	start, end := w.Bounds()
	return func(yield func([]history.Row, error) bool) {
		for after < to {
			page, last, err := s.rowPage(ctx, start, end, after, to)
			if !yield(page, err) || err != nil || last == after {
				return
			}
			after = last
		}
	}
}

// rowPage reads a page of the table. Rows outside of the window count too, so
// that the page is one short transaction.
func (s *Store) rowPage(ctx context.Context, start, end, after, to int64) (page []history.Row, last int64, err error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	last = after
	rows, err := s.readers.QueryContext(ctx, "SELECT id, record_name, value_json, stored_at, "+shapeColumn(s.version)+" FROM record_history WHERE id > ? AND id <= ? ORDER BY id LIMIT ?", after, to, largePage)
	if err != nil {
		return nil, last, err
	}
	defer rows.Close()
	const enough = 1 << 20
	for size := 0; size < enough && rows.Next(); {
		var row history.Row
		var value string
		if err := rows.Scan(&row.ID, &row.Record, &value, &row.Time, &row.Shape); err != nil {
			return page, last, err
		}
		last = row.ID
		if row.Time >= start && row.Time <= end {
			row.Value, size = []byte(value), size+len(value)
			page = append(page, row)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return page, last, err
	}
	return page, last, s.addStored(ctx, page)
}

// addStored sets the times of storing of covered rows, which are in the order of their IDs.
func (s *Store) addStored(ctx context.Context, page []history.Row) error {
	if len(page) == 0 || s.version < timedSince {
		return nil
	}
	rows, err := s.readers.QueryContext(ctx, `SELECT first_id, last_id, at FROM aimdb_stored
		WHERE first_id BETWEEN coalesce((SELECT max(first_id) FROM aimdb_stored WHERE first_id <= ?1), ?1) AND ?2 ORDER BY first_id`, page[0].ID, page[len(page)-1].ID)
	if err != nil {
		return err
	}
	defer rows.Close()
	for i := 0; rows.Next(); {
		var first, last, at int64
		if err := rows.Scan(&first, &last, &at); err != nil {
			return err
		}
		for ; i < len(page) && page[i].ID <= last; i++ {
			if page[i].ID >= first {
				page[i].Stored = at
			}
		}
	}
	return rows.Err()
}
