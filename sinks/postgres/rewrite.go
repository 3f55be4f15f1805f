package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/history"
)

const (
	// rewriteRows is how many rows are read and rewritten in one transaction.
	rewriteRows     = 512
	rewriteReadText = `SELECT id, stored_at, value_json, ` + shapeText + ` FROM record_history
		WHERE record_name = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4`
	rewriteText = `UPDATE record_history h SET value_json = n.value
		FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[]) AS n(id, at, old, value)
		WHERE h.record_name = $1 AND h.stored_at = n.at AND h.id = n.id AND h.value_json = n.old RETURNING h.id`
)

// rewritten is a row and what it becomes. value is nil if it stays as it is.
type rewritten struct {
	history.Row
	value json.RawMessage
	shape int
}

// Rewrite implements history.Shaped. Value, count of bytes and version change in one
// transaction. Sweeps wait until it ends, the writer for one transaction at most.
func (s *Store) Rewrite(ctx context.Context, upgrade func(history.Row) (json.RawMessage, int, error), changed func(int)) error {
	return s.withSweep(ctx, func(w *sweep) error {
		var to int64 // rows of other programs that come later have no marks yet
		if err := w.transact(ctx, "mark rows of other programs", func(tx pgx.Tx) error {
			if err := holdWriter(ctx, tx); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, markShapes, []string{}, []int64{}, []int64{}); err != nil {
				return err
			}
			return tx.QueryRow(ctx, "SELECT next_id - 1 FROM aimdb_checkpoint").Scan(&to)
		}); err != nil {
			return err
		}
		names, err := s.Records(ctx)
		if err != nil {
			return err
		}
		for _, name := range names {
			r := rewrite{sweep: w, record: name, to: to, upgrade: upgrade, changed: changed}
			if err := r.run(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// rewrite is that of one record.
type rewrite struct {
	*sweep
	record  string
	to      int64
	upgrade func(history.Row) (json.RawMessage, int, error)
	changed func(int)
}

func (r *rewrite) run(ctx context.Context) error {
	for after := int64(0); ; {
		page, err := r.read(ctx, after)
		if err != nil || len(page) == 0 {
			return err
		}
		last := page[len(page)-1].ID
		whole := len(page) < rewriteRows // the last page: no row follows up to r.to
		if whole {
			last = r.to
		}
		changes := 0
		err = r.transact(ctx, "rewrite rows of "+r.record, func(tx pgx.Tx) (err error) {
			changes, err = r.write(ctx, tx, page, after+1, last)
			return err
		})
		if err != nil {
			return err
		}
		if changes > 0 {
			r.changed(changes)
		}
		if whole {
			return nil
		}
		after = last
	}
}

func (r *rewrite) read(ctx context.Context, after int64) (page []rewritten, err error) {
	row := history.Row{Record: r.record}
	err = each(ctx, r.conn, rewriteReadText, []any{r.record, after, r.to, rewriteRows},
		[]any{&row.ID, &row.Time, (*[]byte)(&row.Value), &row.Shape}, func() {
			page = append(page, rewritten{Row: row, shape: row.Shape})
		})
	for i := range page {
		one := &page[i]
		if value, shape, err := r.upgrade(one.Row); err == nil && shape != one.Shape {
			one.value, one.shape = value, shape
		}
	}
	return page, r.store.explained("read rows of "+r.record, err)
}

// write rewrites the rows of a page, which are all of the record between two IDs.
func (r *rewrite) write(ctx context.Context, tx pgx.Tx, page []rewritten, from, to int64) (changes int, err error) {
	var ids, times []int64
	var old, fresh []string
	grown := map[int64]int64{}
	for _, row := range page {
		if row.value != nil {
			ids, times = append(ids, row.ID), append(times, row.Time)
			old, fresh = append(old, string(row.Value)), append(fresh, string(row.value))
			grown[row.ID] = int64(len(row.value) - len(row.Value))
		}
	}
	if err := holdWriter(ctx, tx); err != nil {
		return 0, err
	}
	done, id, bytes := map[int64]bool{}, int64(0), int64(0)
	if len(ids) > 0 {
		err = each(ctx, tx, rewriteText, []any{r.record, ids, times, old, fresh}, []any{&id}, func() {
			done[id] = true
			bytes += grown[id]
		})
		if err == nil {
			err = addCounts(ctx, tx, map[string]rowCount{r.record: {0, bytes}}, 1)
		}
		if err != nil {
			return 0, err
		}
	}
	if from == 1 {
		from = 0 // nothing is before it
	}
	marks := []rewritten{}
	for _, row := range page {
		if row.value != nil && !done[row.ID] {
			row.shape = row.Shape
		}
		marks = append(marks, row)
	}
	marks[0].ID = from
	return len(done), setMarks(ctx, tx, r.record, from, to, marks)
}

// setMarks replaces the versions of the rows of a record between two IDs.
func setMarks(ctx context.Context, tx pgx.Tx, record string, from, to int64, marks []rewritten) error {
	const at = "SELECT coalesce((SELECT version FROM aimdb_shape WHERE record_name = $1 AND first_id <= $2 ORDER BY first_id DESC LIMIT 1), 0)"
	var have, after int
	var last int64
	if err := tx.QueryRow(ctx, "SELECT next_id - 1 FROM aimdb_checkpoint").Scan(&last); err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, at, record, from-1).Scan(&have); err != nil {
		return err
	}
	if err := tx.QueryRow(ctx, at, record, to+1).Scan(&after); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM aimdb_shape WHERE record_name = $1 AND first_id BETWEEN $2 AND $3", record, from, to+1); err != nil {
		return err
	}
	slices.SortStableFunc(marks, func(a, b rewritten) int { return cmp.Compare(a.ID, b.ID) })
	if last > to { // otherwise the next row finds out
		marks = append(marks, rewritten{Row: history.Row{ID: to + 1}, shape: after})
	}
	for _, m := range marks {
		if m.shape == have {
			continue
		}
		have = m.shape
		if _, err := tx.Exec(ctx, "INSERT INTO aimdb_shape VALUES ($1, $2, $3)", record, m.ID, m.shape); err != nil {
			return err
		}
	}
	return nil
}
