package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

const (
	retimeReadText = `SELECT id, stored_at, value_json, ` + shapeText + `, coalesce(written_at, stored_at), written_at IS NOT NULL FROM record_history
		WHERE record_name = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4`
	retimeText = `UPDATE record_history h SET stored_at = n.fresh, written_at = n.written, imported = CASE WHEN n.written IS NOT NULL THEN h.imported END
		FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS n(id, at, fresh, written)
		WHERE h.record_name = $1 AND h.stored_at = n.at AND h.id = n.id RETURNING h.id`
)

// retimed is a row with the time of its write, and whether it has a written_at.
type retimed struct {
	history.Row
	timed bool
}

// Retime implements history.EventTimed. A row moves to the partition of its new time.
// Sweeps wait until it ends, the writer for one transaction at most.
func (s *Store) Retime(ctx context.Context, record string, own func(history.Row) (int64, bool), changed func(int)) error {
	return s.withSweep(ctx, func(w *sweep) error {
		var last int64
		err := w.transact(ctx, "begin to change the times of "+record, func(tx pgx.Tx) error {
			if err := holdWriter(ctx, tx); err != nil {
				return err
			}
			if own != nil {
				if _, err := tx.Exec(ctx, "UPDATE aimdb_record SET timed = true WHERE record_name = $1", record); err != nil {
					return err
				}
			}
			return tx.QueryRow(ctx, "SELECT next_id - 1 FROM aimdb_checkpoint").Scan(&last)
		})
		if err != nil {
			return err
		}
		for after, more := int64(0), true; more; {
			page, err := w.readTimes(ctx, record, after, last)
			if err != nil {
				return err
			}
			if more = len(page) == rewriteRows; more {
				after = page[len(page)-1].ID
			}
			if err := w.retime(ctx, record, page, own, changed); err != nil {
				return err
			}
		}
		if own != nil {
			return nil
		}
		return w.transact(ctx, "end to change the times of "+record, func(tx pgx.Tx) error {
			if err := holdWriter(ctx, tx); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `UPDATE aimdb_record SET timed = false WHERE record_name = $1
				AND NOT EXISTS (SELECT FROM record_history WHERE record_name = $1 AND written_at IS NOT NULL)`, record)
			return err
		})
	})
}

func (w *sweep) readTimes(ctx context.Context, record string, after, last int64) (page []retimed, err error) {
	row := retimed{Row: history.Row{Record: record}}
	err = each(ctx, w.conn, retimeReadText, []any{record, after, last, rewriteRows},
		[]any{&row.ID, &row.Time, (*[]byte)(&row.Value), &row.Shape, &row.Stored, &row.timed}, func() { page = append(page, row) })
	return page, w.store.explained("read rows of "+record, err)
}

// retime changes the rows of a page that need it.
func (w *sweep) retime(ctx context.Context, record string, page []retimed, own func(history.Row) (int64, bool), changed func(int)) error {
	var ids, old, fresh []int64
	var written []*int64
	var entries []sinks.Entry
	for _, row := range page {
		to := row.Stored
		if own != nil {
			if ms, has := own(row.Row); has {
				to = ms
			}
		}
		if to == row.Time && row.timed == (own != nil) {
			continue
		}
		var at *int64
		if own != nil {
			at = &row.Stored
		}
		ids, old, fresh, written = append(ids, row.ID), append(old, row.Time), append(fresh, to), append(written, at)
		entries = append(entries, sinks.Entry{Record: record, Time: row.Stored, Timed: true, Event: to})
	}
	if len(ids) == 0 {
		return nil
	}
	partitions := partitions{width: w.store.facts.Load().width}
	err := w.transact(ctx, "make partitions for "+record, func(tx pgx.Tx) error {
		return partitions.create(ctx, tx, partitions.missing(entries))
	})
	if err != nil {
		return err
	}
	n := 0
	err = w.transact(ctx, "change the times of "+record, func(tx pgx.Tx) error {
		if err := holdWriter(ctx, tx); err != nil {
			return err
		}
		n = 0
		var id int64
		return each(ctx, tx, retimeText, []any{record, ids, old, fresh, written}, []any{&id}, func() { n++ })
	})
	if err == nil && n > 0 {
		changed(n)
	}
	return err
}
