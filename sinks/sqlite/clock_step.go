package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

// The clock that write times come from may be set back. From then on neither the
// time nor the ID shows which row of a record was stored last: imported rows have
// high IDs and early times. So aimdb_record has the row at which the clock was
// last set back (step_id, step_time) and the time of the row stored last
// (last_time). The rows after the step have IDs from step_id on and times from
// step_time to last_time.

// followClock extends the statement that counts the rows of a batch. The first
// row of the batch is passed as the step; it is one if the row before it is later.
const followClock = `,
	step_id = iif(excluded.step_time < last_time, excluded.step_id, step_id),
	step_time = iif(excluded.step_time < last_time, excluded.step_time, step_time),
	last_time = excluded.last_time`

// recordGroup is what a batch has of one record.
type recordGroup struct {
	record string
	rowCount
	// first is the index of the first row, and step that of the row at which the
	// clock was last set back within the batch, 0 if it was not.
	first, step                   int
	firstTime, stepTime, lastTime int64
}

// group appends the groups of entries that are sorted by record.
func group(groups []recordGroup, entries []sinks.Entry) []recordGroup {
	var g *recordGroup
	for i, e := range entries {
		if g == nil || g.record != e.Record {
			groups = append(groups, recordGroup{record: e.Record, first: i, firstTime: e.Time, lastTime: e.Time})
			g = &groups[len(groups)-1]
		}
		if e.Time < g.lastTime {
			g.step, g.stepTime = i, e.Time
		}
		g.rows, g.bytes, g.lastTime = g.rows+1, g.bytes+int64(len(e.Value)), e.Time
	}
	return groups
}

// countGroups is part of the transaction that has just stored the rows of groups.
// It returns the ID of the first.
func (w *writer) countGroups(ctx context.Context, groups []recordGroup, added int) (firstID int64, err error) {
	if added == 0 {
		return 0, nil
	}
	fresh := w.names.unknown(groups)
	last, err := w.countAdded(ctx, int64(added), fresh)
	if err != nil {
		return 0, err
	}
	firstID = last - int64(added) + 1
	w.args = w.args[:0]
	for _, record := range fresh { // so that the first row of a record is no step
		w.args = append(w.args, record)
	}
	if err := w.execChunks(ctx, &w.knowRecords, w.args); err != nil {
		return 0, err
	}
	w.args = w.args[:0]
	for _, g := range groups {
		run, number := numberArgs(w.numbers[g.record])
		w.args = append(w.args, g.record, g.rows, g.bytes, firstID+int64(g.first), g.firstTime, g.lastTime, run, number)
	}
	if err := w.execChunks(ctx, &w.addGroups, w.args); err != nil {
		return 0, err
	}
	for _, g := range groups {
		if g.step == 0 {
			continue
		}
		_, err := w.exec(ctx, "UPDATE aimdb_record SET step_id = ?2, step_time = ?3 WHERE name = ?1", g.record, firstID+int64(g.step), g.stepTime)
		if err != nil {
			return 0, err
		}
	}
	return firstID, w.findSteps(ctx)
}

// raiseClock notes that rows with IDs above before were added to a record that
// count by their times. It does nothing while the record has rows that are later
// than the one stored last.
func (w *writer) raiseClock(ctx context.Context, record string, newest, before int64) error {
	_, err := w.exec(ctx, `UPDATE aimdb_record SET last_time = max(coalesce(last_time, ?2), ?2) WHERE name = ?1
		AND coalesce(last_time >= (SELECT max(stored_at) FROM record_history WHERE record_name = ?1 AND +id <= ?3), 1)`, record, newest, before)
	return err
}

const (
	anyStepText   = "SELECT EXISTS (SELECT 1 FROM aimdb_record WHERE step_id IS NOT NULL)"
	clockStepText = "SELECT step_id, step_time, coalesce(last_time, step_time) FROM aimdb_record WHERE name = ? AND step_id IS NOT NULL"
	// storedText reads the rows after a clock step if ?5 is 1, the others if it
	// is 0.
	storedText = `SELECT id, value_json, stored_at, ` + shapeMarker + ` FROM record_history
		WHERE record_name = ?1 AND stored_at BETWEEN ?4 AND ?2 AND (stored_at < ?2 OR id < ?3)
		AND (+id >= ?6 AND stored_at BETWEEN ?7 AND ?8) = ?5
		ORDER BY stored_at DESC, id DESC LIMIT ?9`
)

// findSteps finds out whether the clock of any record was ever set back. If not,
// queries need not look for steps.
func (w *writer) findSteps(ctx context.Context) error {
	if w.stepped.Load() {
		return nil
	}
	statement, err := w.prepared(ctx, anyStepText)
	if err != nil {
		return err
	}
	var some bool
	err = statement.QueryRowContext(ctx).Scan(&some)
	w.stepped.Store(some)
	return err
}

// clockStep is where the clock of a record was last set back, and the time of
// the row stored last.
type clockStep struct{ id, time, last int64 }

func (s *Store) clockStep(ctx context.Context, record string) (step clockStep, stepped bool, err error) {
	if s.version < steppedSince || s.write != nil && !s.write.stepped.Load() {
		return step, false, nil
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	err = s.reads.clockStep.QueryRowContext(ctx, record).Scan(&step.id, &step.time, &step.last)
	if errors.Is(err, sql.ErrNoRows) {
		return step, false, nil
	}
	return step, true, err
}

// yieldStored yields the rows of one record that were stored last, and returns
// whether the caller wants more. Rows after the clock step come before all others.
// If the clock was set back more than once, the others are ordered by time.
func (s *Store) yieldStored(ctx context.Context, record string, q history.LatestQuery, page []history.Row, yield func(history.Row, error) bool) ([]history.Row, bool) {
	timed, err := s.isTimed(ctx, record)
	if err == nil && timed {
		return s.yieldCovered(ctx, record, q, page, yield)
	}
	var step clockStep
	var stepped bool
	if err == nil {
		step, stepped, err = s.clockStep(ctx, record)
	}
	if err == nil && !stepped {
		return s.yieldLatest(ctx, record, q, page, yield)
	}
	left := q.Limit
	for _, late := range []bool{true, false} {
		before, from := lastPoint, firstPoint.Time
		if late {
			before.Time, from = step.last, step.time
		}
		for err == nil && left > 0 {
			page, err = s.storedPage(ctx, record, step, late, before, from, min(left, largePage), page[:0])
			if len(page) == 0 {
				break
			}
			for _, row := range page {
				if !yield(row, nil) {
					return page, false
				}
			}
			left, before = left-len(page), page[len(page)-1].Point()
		}
	}
	if err != nil {
		yield(history.Row{}, s.readError("read the rows of "+record+" that were stored last", err))
	}
	return page, err == nil
}

// storedPage reads rows between a time and a point, newest first.
func (s *Store) storedPage(ctx context.Context, record string, step clockStep, late bool, before history.Point, from int64, limit int, into []history.Row) ([]history.Row, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, withShape(storedText, s.version), record, before.Time, before.ID, from, late, step.id, step.time, step.last, limit)
	if err != nil {
		return into, err
	}
	into, _, err = scanRows(rows, record, into)
	return into, err
}
