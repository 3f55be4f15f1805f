package sqlite

import (
	"context"
	"encoding/json"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// rewritten is a row and what it becomes.
type rewritten struct {
	history.Row
	value json.RawMessage
	shape int
}

// shapeMark is a row from which on a record has a version.
type shapeMark struct {
	id    int64
	shape int
}

// rewrite is one Rewrite. Sweeps and repairs wait for it, so that nothing but new rows comes
// between its transactions.
type rewrite struct {
	store   *Store
	upgrade func(history.Row) (json.RawMessage, int, error)
	changed func(int)
	// to is the last row that is rewritten. Rows of other programs that come later have no
	// marks yet.
	to int64
	// marks are those that each record has up to the row that was read last.
	marks map[string][]shapeMark
	// touched are the records of which a row was rewritten.
	touched map[string]bool
}

// Rewrite implements history.Shaped. The value, its checksum, the count of bytes and the
// mark of the shape change in one transaction. A row that does not match its checksum
// stays as it is; a repair deals with it.
func (s *Store) Rewrite(ctx context.Context, upgrade func(history.Row) (json.RawMessage, int, error), changed func(int)) error {
	release, err := s.holdSweep(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := s.recount(ctx); err != nil {
		return err
	}
	r := rewrite{store: s, upgrade: upgrade, changed: changed, marks: map[string][]shapeMark{}, touched: map[string]bool{}}
	if r.to, err = s.countedLast(ctx); err != nil {
		return err
	}
	for page, err := range s.rowPages(ctx, history.Window{}, 0, r.to) {
		if err != nil {
			return s.readError("read rows to rewrite", err)
		}
		if err := r.page(ctx, page); err != nil {
			return err
		}
	}
	return r.finish(ctx)
}

// page rewrites the rows of a page in steps that do not hold the writer for long.
func (r *rewrite) page(ctx context.Context, page []history.Row) error {
	size := newStepSize(64, 8, 1024)
	for len(page) > 0 {
		n := min(size.rows(), len(page))
		rows, changes := make([]rewritten, n), 0
		for i, row := range page[:n] {
			rows[i] = rewritten{Row: row, shape: row.Shape}
			value, shape, err := r.upgrade(row)
			if err == nil && shape != row.Shape {
				rows[i].value, rows[i].shape = value, shape
				changes++
			}
		}
		page = page[n:]
		if changes > 0 {
			err := r.store.sweepStep(ctx, size, n, func(ctx context.Context, w *writer) (err error) {
				if err := r.store.checkGeneration(r.store.sweepGeneration); err != nil {
					return err
				}
				return r.store.writeError("rewrite rows", inTransaction(ctx, w.conn, func() error {
					changes, err = w.rewriteRows(ctx, rows)
					return err
				}))
			})
			if err != nil {
				return err
			}
			r.changed(changes)
		}
		r.note(rows)
	}
	return ctx.Err()
}

// note remembers the marks that the rows need.
func (r *rewrite) note(rows []rewritten) {
	for _, row := range rows {
		marks := r.marks[row.Record]
		if row.value != nil {
			r.touched[row.Record] = true
		}
		if len(marks) == 0 {
			r.marks[row.Record] = []shapeMark{{0, row.shape}}
		} else if marks[len(marks)-1].shape != row.shape {
			r.marks[row.Record] = append(marks, shapeMark{row.ID, row.shape})
		}
	}
}

// finish stores the fewest marks that say the same. It is synced, and all steps before it
// are with it.
func (r *rewrite) finish(ctx context.Context) error {
	return r.store.ask(ctx, r.store.background, func(ctx context.Context, w *writer) error {
		if err := r.store.checkGeneration(r.store.sweepGeneration); err != nil {
			return err
		}
		return r.store.writeError("mark the shapes of rows", inTransaction(ctx, w.conn, func() error {
			for record, marks := range r.marks {
				if len(marks) == 1 && marks[0].shape == 0 && !r.touched[record] {
					continue
				}
				if err := w.setMarks(ctx, record, 0, r.to, marks); err != nil {
					return err
				}
			}
			return nil
		}))
	})
}

// rewriteRows is one transaction. It sets the shape of rows that it leaves as they are.
func (w *writer) rewriteRows(ctx context.Context, rows []rewritten) (changed int, err error) {
	touched := map[int64]*chunk{}
	counts := rowCounts{}
	for i := range rows {
		row := &rows[i]
		if row.value == nil {
			continue
		}
		done, err := w.rewriteRow(ctx, row, touched)
		if err != nil {
			return 0, err
		}
		if !done {
			row.value, row.shape = nil, row.Shape
			continue
		}
		counts.add(row.Record, 0, int64(len(row.value)-len(row.Value)))
		changed++
	}
	for _, c := range touched {
		if err := w.writeChunks(ctx, c); err != nil {
			return 0, err
		}
	}
	if err := w.count(ctx, counts, 1); err != nil {
		return 0, err
	}
	return changed, w.markRewritten(ctx, rows)
}

// rewriteRow changes the value of one row, unless it is another one than was read.
func (w *writer) rewriteRow(ctx context.Context, row *rewritten, touched map[int64]*chunk) (bool, error) {
	then := row.Row
	then.Value = row.value
	return w.replaceRow(ctx, touched, row.Row, then, "value_json", string(row.value))
}

// replaceRow sets a column of a row and the checksum of the row that it becomes. It reports
// false for a row that does not match its checksum, or is another one than was read.
func (w *writer) replaceRow(ctx context.Context, touched map[int64]*chunk, was, then history.Row, column string, to any) (bool, error) {
	number := chunkOf(was.ID)
	c := touched[number]
	if c == nil {
		var err error
		if c, err = w.readChunk(ctx, number); err != nil {
			return false, err
		}
		touched[number] = c
	}
	var sum uint32
	w.summed, sum = rowSum(w.summed, was.Record, was.Time, []byte(was.Value))
	if have := c.get(was.ID); c.damaged || have != 0 && have != sum {
		return false, nil
	}
	result, err := w.exec(ctx, "UPDATE record_history SET "+column+" = ?1 WHERE id = ?2 AND record_name = ?3 AND stored_at = ?4 AND value_json = ?5",
		to, was.ID, was.Record, was.Time, string(was.Value))
	if err != nil {
		return false, err
	}
	if n, err := result.RowsAffected(); n == 0 || err != nil {
		return false, err
	}
	w.summed, sum = rowSum(w.summed, then.Record, then.Time, []byte(then.Value))
	c.set(was.ID, sum)
	return true, nil
}

// markRewritten marks the rows of each record from the first to the last one.
func (w *writer) markRewritten(ctx context.Context, rows []rewritten) error {
	marks, last := map[string][]shapeMark{}, map[string]int64{}
	for _, row := range rows {
		marks[row.Record], last[row.Record] = append(marks[row.Record], shapeMark{row.ID, row.shape}), row.ID
	}
	for record, of := range marks {
		if err := w.setMarks(ctx, record, of[0].id, last[record], of); err != nil {
			return err
		}
	}
	return nil
}

// setMarks replaces the marks of a record for the rows between two IDs. Those of the rows
// around stay.
func (w *writer) setMarks(ctx context.Context, record string, from, to int64, marks []shapeMark) error {
	have := 0
	if from > 0 {
		var err error
		if have, err = w.shapeAt(ctx, record, from-1); err != nil {
			return err
		}
	}
	after, err := w.shapeAt(ctx, record, to+1)
	if err != nil {
		return err
	}
	if _, err := w.exec(ctx, dropShapeText, record, from, min(to, math.MaxInt64-1)+1); err != nil {
		return err
	}
	last, err := w.queryInt(ctx, "SELECT "+lastID)
	if err != nil {
		return err
	}
	if last > to { // otherwise the next row finds out
		marks = append(marks, shapeMark{to + 1, after})
	}
	for _, m := range marks {
		if m.shape == have {
			continue
		}
		have = m.shape
		if _, err := w.exec(ctx, setShapeText, record, m.id, m.shape); err != nil {
			return err
		}
	}
	return nil
}
