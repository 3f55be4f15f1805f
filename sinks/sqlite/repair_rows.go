package sqlite

import (
	"context"
	"fmt"

	"github.com/aimdb-go/aimdb/loss"
)

// restoreRows stores the rows that have a candidate, and returns the others.
func (w *writer) restoreRows(ctx context.Context, number int64, found []finding, candidates map[uint32]*candidate) (restored int64, rest []finding, err error) {
	c, err := w.readChunk(ctx, number)
	if err != nil {
		return 0, nil, err
	}
	for _, f := range found {
		row := candidates[f.sum].row
		switch {
		case c.get(f.id) != f.sum: // pruned meanwhile
			continue
		case row == nil:
			rest = append(rest, f)
			continue
		}
		_, err := w.exec(ctx, "INSERT OR REPLACE INTO record_history(id, record_name, value_json, stored_at) VALUES (?,?,?,?)", f.id, row.Record, string(row.Value), row.Time)
		if err != nil {
			return 0, nil, err
		}
		w.names.add([]string{row.Record})
		restored++
	}
	if restored == 0 {
		return 0, rest, nil
	}
	return restored, rest, w.markRecountAll(ctx)
}

// giveUp moves changed rows into the dead letters, and counts them and missing ones as lost.
func (w *writer) giveUp(ctx context.Context, number int64, found []finding, now int64) (lost int64, err error) {
	c, err := w.readChunk(ctx, number)
	if err != nil {
		return 0, err
	}
	var gone []finding
	for _, f := range found {
		if c.get(f.id) != f.sum { // pruned meanwhile
			continue
		}
		if !f.missing {
			if err := w.buryRow(ctx, f.id, c.log, now); err != nil {
				return 0, err
			}
		}
		c.set(f.id, 0)
		gone = append(gone, f)
	}
	ids := make([]int64, len(gone))
	for i, f := range gone {
		ids[i] = f.id
	}
	if err := w.uncover(ctx, ids); err != nil {
		return 0, err
	}
	var losses []loss.Loss
	for _, d := range damagedRows(nil, gone) {
		losses = append(losses, loss.Loss{Record: d.Record, Cause: loss.HistoryDamaged, Count: uint64(d.To - d.From + 1), From: uint64(d.From), To: uint64(d.To)})
	}
	if err := w.keepLosses(ctx, losses, now); err != nil {
		return 0, err
	}
	if err := w.writeChunks(ctx, c); err != nil {
		return 0, err
	}
	return int64(len(gone)), w.markRecountAll(ctx)
}

// buryRow moves a changed row into the dead letters.
func (w *writer) buryRow(ctx context.Context, id int64, log string, now int64) error {
	_, err := w.exec(ctx, `INSERT INTO aimdb_dead_letter(log, sequence, record_name, value_json, stored_at, reason, noted_at)
		SELECT ?2, 0, CAST(record_name AS TEXT), CAST(substr(value_json, 1, 1 << 20) AS TEXT), CAST(stored_at AS INTEGER), ?3, ?4 FROM record_history WHERE id = ?1`,
		id, log, fmt.Sprintf("the row %d is damaged: its checksum does not match", id), now)
	if err == nil {
		_, err = w.exec(ctx, "DELETE FROM record_history WHERE id = ?", id)
	}
	return err
}

// completeSums gives the rows of a chunk that have no checksum one. It makes a damaged chunk
// again.
func (w *writer) completeSums(ctx context.Context, number int64) error {
	c, err := w.readChunk(ctx, number)
	if err != nil {
		return err
	}
	if c.damaged {
		c = &chunk{number: number}
	}
	rows, err := w.conn.QueryContext(ctx, "SELECT id, record_name, stored_at, value_json FROM record_history WHERE id BETWEEN ? AND ? ORDER BY id", c.first(), c.last())
	if err != nil {
		return err
	}
	defer rows.Close()
	var r storedRow
	for rows.Next() {
		if err := r.scan(rows); err != nil {
			return err
		}
		if c.get(r.id) == 0 {
			c.set(r.id, r.sum())
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return w.writeChunks(ctx, c)
}
