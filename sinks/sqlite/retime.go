package sqlite

import (
	"context"

	"github.com/aimdb-go/aimdb/history"
)

var _ history.EventTimed = (*Store)(nil)

// retimed is a row of which stored_at changes, and when it was written.
type retimed struct {
	history.Row
	to, at int64
	// covered says that an entry of aimdb_stored covers it already.
	covered bool
}

// Retime implements history.EventTimed. The time of a row, its checksum and when it was
// written change in one transaction. A row that does not match its checksum stays as it is; a
// repair deals with it.
func (s *Store) Retime(ctx context.Context, record string, own func(history.Row) (int64, bool), changed func(int)) error {
	release, err := s.holdSweep(ctx)
	if err != nil {
		return err
	}
	defer release()
	to, err := s.countedLast(ctx)
	if err != nil {
		return err
	}
	size := newStepSize(64, 8, 1024)
	for page, err := range s.rowPages(ctx, history.Window{}, 0, to) {
		if err != nil {
			return s.readError("read rows to give other times", err)
		}
		for rows := retimes(page, record, own); len(rows) > 0; {
			n := min(size.rows(), len(rows))
			if err := s.retimeStep(ctx, size, rows[:n], own != nil, changed); err != nil {
				return err
			}
			rows = rows[n:]
		}
	}
	return s.ask(ctx, s.background, func(ctx context.Context, w *writer) error {
		return s.writeError("give the rows of "+record+" other times", inTransaction(ctx, w.conn, func() error {
			if own != nil {
				return nil // synced, and all steps before it
			}
			delete(w.timed, record)
			_, err := w.exec(ctx, `UPDATE aimdb_record SET step_id = NULL, step_time = NULL,
				last_time = (SELECT max(stored_at) FROM record_history WHERE record_name = ?1) WHERE name = ?1`, record)
			return err
		}))
	})
}

// retimes returns the rows of a record that need a change.
func retimes(page []history.Row, record string, own func(history.Row) (int64, bool)) (rows []retimed) {
	for _, row := range page {
		if row.Record != record {
			continue
		}
		r := retimed{Row: row, to: row.Time, at: row.Time, covered: row.Stored != 0}
		if r.covered {
			r.to, r.at = row.Stored, row.Stored
		}
		if own != nil {
			if ms, has := own(row); has {
				r.to = ms
			}
		}
		if (own != nil) != r.covered || r.to != row.Time {
			rows = append(rows, r)
		}
	}
	return rows
}

func (s *Store) retimeStep(ctx context.Context, size *stepSize, rows []retimed, cover bool, changed func(int)) error {
	n := 0
	err := s.sweepStep(ctx, size, len(rows), func(ctx context.Context, w *writer) error {
		if err := s.checkGeneration(s.sweepGeneration); err != nil {
			return err
		}
		return s.writeError("give rows other times", inTransaction(ctx, w.conn, func() (err error) {
			n, err = w.retime(ctx, rows, cover)
			return err
		}))
	})
	if err == nil && n > 0 {
		changed(n)
	}
	return err
}

// retime is one transaction.
func (w *writer) retime(ctx context.Context, rows []retimed, cover bool) (changed int, err error) {
	touched := map[int64]*chunk{}
	var done []retimed
	var bare []int64
	for _, row := range rows {
		ok, err := w.retimeRow(ctx, row, touched)
		if err != nil {
			return 0, err
		}
		switch {
		case !ok:
			continue
		case cover && !row.covered:
			done = append(done, row)
		case !cover && row.covered:
			bare = append(bare, row.ID)
		}
		changed++
	}
	for _, c := range touched {
		if err := w.writeChunks(ctx, c); err != nil {
			return 0, err
		}
	}
	if err := w.coverRetimed(ctx, done); err != nil {
		return 0, err
	}
	return changed, w.uncover(ctx, bare)
}

// retimeRow changes the time of one row, unless it is another one than was read.
func (w *writer) retimeRow(ctx context.Context, row retimed, touched map[int64]*chunk) (bool, error) {
	then := row.Row
	then.Time = row.to
	return w.replaceRow(ctx, touched, row.Row, then, "stored_at", row.to)
}

// coverRetimed covers rows, consecutive ones that were written together with one entry.
func (w *writer) coverRetimed(ctx context.Context, rows []retimed) error {
	for len(rows) > 0 {
		w.timed[rows[0].Record] = true
		n := 1
		for n < len(rows) && rows[n].ID == rows[n-1].ID+1 && rows[n].at >= rows[n-1].at && rows[n].at-rows[0].at <= coverSpan {
			n++
		}
		last := rows[n-1]
		if _, err := w.exec(ctx, coverText, rows[0].ID, last.ID, last.Record, last.at, 0); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}
