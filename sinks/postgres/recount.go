package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// The table aimdb_record has the number of rows and bytes of each record. Each
// transaction of this program that adds or deletes rows changes them too. What other
// programs change sets the entry recount of aimdb_meta.

const (
	markText = "SELECT value FROM aimdb_meta WHERE key = 'recount'"
	// wrongText reads by how much the counts are too small.
	wrongText = `SELECT coalesce(h.record_name, r.record_name), coalesce(h.rows, 0) - coalesce(r.rows, 0), (coalesce(h.bytes, 0) - coalesce(r.bytes, 0))::bigint
		FROM (SELECT record_name, count(*) AS rows, sum(octet_length(value_json)) AS bytes FROM record_history GROUP BY record_name) h
		FULL JOIN aimdb_record r ON r.record_name = h.record_name
		WHERE (coalesce(h.rows, 0), coalesce(h.bytes, 0)) IS DISTINCT FROM (coalesce(r.rows, 0), coalesce(r.bytes, 0))`
)

// recount counts all rows if other programs have changed some. By how much the counts are
// wrong is as of one moment; what this program writes meanwhile does not change it.
func (w *sweep) recount(ctx context.Context) error {
	var mark string
	var wrong map[string]rowCount
	if err := each(ctx, w.conn, markText, nil, []any{&mark}, func() {}); err != nil || mark == "" {
		return w.store.explained("count the rows", err)
	}
	err := pgx.BeginTxFunc(ctx, w.conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		mark, wrong, err = wrongCounts(ctx, tx)
		return err
	})
	if err != nil || mark == "" {
		return w.store.explained("count the rows", err)
	}
	return w.transact(ctx, "note the number of rows", func(tx pgx.Tx) error {
		if err := holdWriter(ctx, tx); err != nil {
			return err
		}
		if err := addCounts(ctx, tx, wrong, 1); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DELETE FROM aimdb_meta WHERE key = 'recount' AND value = $1", mark)
		return err
	})
}

// wrongCounts reads by how much the counts are too small, and the mark that rows of other
// programs are not counted, if there is one.
func wrongCounts(ctx context.Context, tx pgx.Tx) (mark string, wrong map[string]rowCount, err error) {
	if err := each(ctx, tx, markText, nil, []any{&mark}, func() {}); err != nil {
		return "", nil, err
	}
	var record string
	var c rowCount
	wrong = map[string]rowCount{}
	err = each(ctx, tx, wrongText, nil, []any{&record, &c.rows, &c.bytes}, func() { wrong[record] = c })
	return mark, wrong, err
}
