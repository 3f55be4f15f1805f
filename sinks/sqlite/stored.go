package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

// Rows of a record whose values have times of their own have that time as stored_at. When
// they were written is in aimdb_stored, one entry for consecutive rows of one record that
// one batch has stored. Such rows are called covered. A row that no entry covers was written
// at stored_at: it is of a record without own times, or of another program. What was
// imported, or retried as a dead letter, is marked, as its ID says nothing about its order.

const (
	storedTables = `CREATE TABLE aimdb_stored (first_id INTEGER PRIMARY KEY, last_id INTEGER NOT NULL,
			record_name TEXT NOT NULL, at INTEGER NOT NULL, imported INTEGER NOT NULL);
		CREATE INDEX aimdb_stored_record ON aimdb_stored(record_name, imported, first_id);`
	coverText  = "INSERT INTO aimdb_stored(first_id, last_id, record_name, at, imported) VALUES (?,?,?,?,?)"
	anyCovered = "SELECT EXISTS (SELECT 1 FROM aimdb_stored)"
	isCovered  = "SELECT EXISTS (SELECT 1 FROM aimdb_stored WHERE record_name = ?1)"
	// coverRest covers what is not covered of the records that have covered rows.
	coverRest = `INSERT INTO aimdb_stored(first_id, last_id, record_name, at, imported) SELECT id, id, record_name, ?1, 0 FROM record_history
		WHERE record_name IN (SELECT record_name FROM aimdb_stored) AND ` + uncovered + `
		AND NOT EXISTS (SELECT 1 FROM aimdb_stored WHERE first_id = record_history.id)`
	// uncovered is the condition that no entry covers a row.
	uncovered = `NOT EXISTS (SELECT 1 FROM aimdb_stored s WHERE s.last_id >= record_history.id AND s.record_name = record_history.record_name
		AND s.first_id = (SELECT max(first_id) FROM aimdb_stored WHERE first_id <= record_history.id))`
)

// coverSpan is how far apart, in milliseconds, the writes of the rows of one entry may be.
const coverSpan = 60_000

// migrateEventTimes adds what is needed for rows with times of their own. There are none yet.
func migrateEventTimes(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, storedTables+"ALTER TABLE aimdb_dead_letter ADD COLUMN event INTEGER;")
	return err
}

// findTimed reads which records have covered rows.
func (w *writer) findTimed(ctx context.Context) error {
	w.timed = map[string]bool{}
	rows, err := w.conn.QueryContext(ctx, strings.ReplaceAll(allNamesText, "record_history", "aimdb_stored"))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var record string
		if err := rows.Scan(&record); err != nil {
			return err
		}
		w.timed[record] = true
	}
	return rows.Err()
}

// cover is part of the transaction that has just stored entries, which are sorted by record.
// Once a record has covered rows, all that follow are.
func (w *writer) cover(ctx context.Context, firstID int64, entries []sinks.Entry) error {
	if len(w.timed) == 0 && !slices.ContainsFunc(entries, func(e sinks.Entry) bool { return e.Timed }) {
		return nil
	}
	for len(entries) > 0 {
		record, n := entries[0].Record, 1
		for n < len(entries) && entries[n].Record == record {
			n++
		}
		timed, err := w.covers(ctx, record, entries[:n])
		if err != nil {
			return err
		}
		if timed {
			if err := w.coverRecord(ctx, firstID, entries[:n]); err != nil {
				return err
			}
		}
		firstID, entries = firstID+int64(n), entries[n:]
	}
	return nil
}

// covers reports whether the entries of one record are to be covered.
func (w *writer) covers(ctx context.Context, record string, entries []sinks.Entry) (bool, error) {
	if slices.ContainsFunc(entries, func(e sinks.Entry) bool { return e.Timed }) {
		w.timed[record] = true
		return true, nil
	}
	if !w.timed[record] {
		return false, nil
	}
	n, err := w.queryInt(ctx, isCovered, record) // they may have been pruned
	return n != 0, err
}

// coverRecord writes the entries for consecutive rows of one record.
func (w *writer) coverRecord(ctx context.Context, firstID int64, entries []sinks.Entry) error {
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && entries[n].Time >= entries[n-1].Time && entries[n].Time-entries[0].Time <= coverSpan {
			n++
		}
		last := entries[n-1]
		if _, err := w.exec(ctx, coverText, firstID, firstID+int64(n)-1, last.Record, last.Time, 0); err != nil {
			return err
		}
		firstID, entries = firstID+int64(n), entries[n:]
	}
	return nil
}

// coverImported is part of the transaction that has just imported rows with consecutive IDs.
// at has for each the time of its storing, and 0 for those that are covered only if their
// record is: these were stored now.
func (w *writer) coverImported(ctx context.Context, firstID int64, records []string, at []int64, now int64) error {
	for i, record := range records {
		if at[i] == 0 {
			have, err := w.queryInt(ctx, isCovered, record)
			if err != nil {
				return err
			}
			if have == 0 {
				continue
			}
			at[i] = now
		}
		w.timed[record] = true
		if _, err := w.exec(ctx, coverText, firstID+int64(i), firstID+int64(i), record, at[i], 1); err != nil {
			return err
		}
	}
	return nil
}

// uncover is part of the transaction that has just deleted rows.
func (w *writer) uncover(ctx context.Context, ids []int64) error {
	if some, err := w.queryInt(ctx, anyCovered); err != nil || some == 0 {
		return err
	}
	if !slices.IsSorted(ids) {
		ids = slices.Sorted(slices.Values(ids))
	}
	for len(ids) > 0 {
		n := 1
		for n < len(ids) && ids[n] == ids[n-1]+1 {
			n++
		}
		from, to := ids[0], ids[n-1]
		ids = ids[n:]
		for _, text := range []string{
			// The rows of an entry after the deleted ones get an entry of their own.
			`INSERT INTO aimdb_stored(first_id, last_id, record_name, at, imported) SELECT ?2 + 1, last_id, record_name, at, imported FROM aimdb_stored
				WHERE first_id = (SELECT max(first_id) FROM aimdb_stored WHERE first_id <= ?2) AND last_id > ?2 AND ?1 <= ?2`,
			"UPDATE aimdb_stored SET last_id = ?1 - 1 WHERE first_id = (SELECT max(first_id) FROM aimdb_stored WHERE first_id < ?1) AND last_id >= ?1 AND ?1 <= ?2",
			"DELETE FROM aimdb_stored WHERE first_id BETWEEN ?1 AND ?2",
		} {
			if _, err := w.exec(ctx, text, from, to); err != nil {
				return err
			}
		}
	}
	return nil
}

// isTimed reports whether a record has covered rows.
func (s *Store) isTimed(ctx context.Context, record string) (timed bool, err error) {
	if s.version < timedSince {
		return false, nil
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	err = s.reads.isTimed.QueryRowContext(ctx, record).Scan(&timed)
	return timed, err
}

// HasEventTimes implements history.EventTimed.
func (s *Store) HasEventTimes(ctx context.Context) (some bool, err error) {
	if s.version < timedSince {
		return false, nil
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	err = s.readers.QueryRowContext(ctx, anyCovered).Scan(&some)
	return some, s.readError("read whether there are event times", err)
}

// EventTimes implements history.EventTimed.
func (s *Store) EventTimes(ctx context.Context, records ...string) (map[string]history.EventTimes, error) {
	all := map[string]history.EventTimes{}
	if _, err := s.counted(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	text := "SELECT name, rows, coalesce((SELECT sum(last_id - first_id + 1) FROM aimdb_stored WHERE record_name = name), 0) FROM aimdb_record WHERE rows > 0"
	switch {
	case !s.own:
		return all, nil
	case s.version < timedSince:
		text = "SELECT name, rows, 0 FROM aimdb_record WHERE rows > 0"
	}
	var args []any
	if len(records) > 0 {
		list, err := json.Marshal(records)
		if err != nil {
			return nil, fmt.Errorf("sqlite: read which records have event times: %w", err)
		}
		text, args = text+" AND name IN (SELECT value FROM json_each(?))", []any{string(list)}
	}
	rows, err := s.readers.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, s.readError("read which records have event times", err)
	}
	defer rows.Close()
	for rows.Next() {
		var record string
		var have, covered int64
		if err := rows.Scan(&record, &have, &covered); err != nil {
			return nil, s.readError("read which records have event times", err)
		}
		all[record] = history.EventTimes{With: min(covered, have), Without: max(have-covered, 0)}
	}
	return all, s.readError("read which records have event times", errors.Join(rows.Err(), rows.Close()))
}

// storedSince returns an ID from which on all rows of a record lie that were stored since a
// time. It returns false if the record has no covered rows, so that their times tell.
func (s *Store) storedSince(ctx context.Context, record string, since int64) (id int64, timed bool, err error) {
	if timed, err = s.isTimed(ctx, record); err != nil || !timed {
		return 0, timed, s.readError("read when the rows of "+record+" were stored", err)
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	err = s.readers.QueryRowContext(ctx, `SELECT coalesce(min(first_id), ?3) FROM aimdb_stored WHERE record_name = ?1 AND at >= ?2`, record, since, int64(1)<<62).Scan(&id)
	return id, true, s.readError("read when the rows of "+record+" were stored", err)
}

const (
	// coveredText reads covered rows by their storing, the last first.
	coveredText = `SELECT record_history.id, value_json, stored_at, ` + shapeMarker + ` FROM aimdb_stored s CROSS JOIN record_history ON record_history.id BETWEEN s.first_id AND s.last_id
		WHERE s.record_name = ?1 AND s.imported = ?2 AND s.first_id < ?3 AND record_history.id < ?3 AND record_history.record_name = ?1
		ORDER BY s.first_id DESC, record_history.id DESC LIMIT ?4`
	// uncoveredText reads the others by their times.
	uncoveredText = `SELECT id, value_json, stored_at, ` + shapeMarker + ` FROM record_history
		WHERE record_name = ?1 AND (stored_at < ?2 OR stored_at = ?2 AND id < ?3) AND ` + uncovered + `
		ORDER BY stored_at DESC, id DESC LIMIT ?4`
)

// yieldCovered yields the rows of a record with covered rows that were stored last: those of
// the log, then imported ones, then those of other programs.
func (s *Store) yieldCovered(ctx context.Context, record string, q history.LatestQuery, page []history.Row, yield func(history.Row, error) bool) ([]history.Row, bool) {
	left := q.Limit
	others, err := s.hasOthers(ctx, record)
	for i, part := range []struct {
		text string
		args func(before history.Point) []any
	}{
		{coveredText, func(before history.Point) []any { return []any{record, 0, before.ID} }},
		{coveredText, func(before history.Point) []any { return []any{record, 1, before.ID} }},
		{uncoveredText, func(before history.Point) []any { return []any{record, before.Time, before.ID} }},
	} {
		if i == 2 && !others {
			break
		}
		for before := lastPoint; err == nil && left > 0; before = page[len(page)-1].Point() {
			if page, err = s.coveredPage(ctx, record, part.text, append(part.args(before), min(left, largePage)), page[:0]); err != nil || len(page) == 0 {
				break
			}
			for _, row := range page {
				if !yield(row, nil) {
					return page, false
				}
			}
			left -= len(page)
		}
	}
	if err != nil {
		yield(history.Row{}, s.readError("read the rows of "+record+" that were stored last", err))
	}
	return page, err == nil
}

func (s *Store) coveredPage(ctx context.Context, record, text string, args []any, into []history.Row) ([]history.Row, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, withShape(text, s.version), args...)
	if err != nil {
		return into, err
	}
	if into, _, err = scanRows(rows, record, into); err != nil || text == uncoveredText {
		return into, err
	}
	slices.Reverse(into)
	err = s.addStored(ctx, into)
	slices.Reverse(into)
	return into, err
}
