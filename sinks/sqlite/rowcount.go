package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// The table aimdb_record has the number of rows and bytes of each record. Every
// transaction of this program that adds or deletes rows changes them too. Rows
// that another program adds have IDs above counted_last. A few of them are counted
// when they are found. For many, the entry "recount" of aimdb_meta is set, to
// another value each time, and the next sweep counts all rows.

const (
	// lastID is AUTOINCREMENT's own count, which pruning does not lower.
	lastID = `coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'record_history'), 0)`
	// moveCounted changes nothing if other programs have added rows.
	moveCounted = "UPDATE aimdb_meta SET value = CAST(" + lastID + " AS TEXT) WHERE key = 'counted_last' AND CAST(value AS INTEGER) = " + lastID + " - ?1 RETURNING CAST(value AS INTEGER)"
	// isCounted compares what is counted with what there is.
	isCounted = "SELECT NOT EXISTS (SELECT 1 FROM aimdb_meta WHERE key = 'recount') AND coalesce((SELECT CAST(value AS INTEGER) FROM aimdb_meta WHERE key = 'counted_last'), 0) = " + lastID
	// countExternal counts the rows of other programs between two IDs. For the
	// clock of a record these count by their times.
	countExternal = `INSERT INTO aimdb_record(name, rows, bytes, last_time)
		SELECT record_name, count(*), sum(octet_length(value_json)), max(stored_at) FROM record_history NOT INDEXED
		WHERE id > ?1 AND id <= ?2 GROUP BY record_name` + addCounts + `,
		last_time = iif(step_id IS NULL, max(coalesce(last_time, excluded.last_time), excluded.last_time), last_time)`
	// fewExternal is the number of IDs that are counted when they are found.
	fewExternal = 1024
	addCounts   = " ON CONFLICT(name) DO UPDATE SET rows = rows + excluded.rows, bytes = bytes + excluded.bytes"
)

// rowCounts are numbers of rows and bytes by record.
type rowCounts map[string]rowCount

type rowCount struct{ rows, bytes int64 }

func (c rowCounts) add(record string, rows, bytes int64) {
	old := c[record]
	c[record] = rowCount{old.rows + rows, old.bytes + bytes}
}

// records returns the names of the records, sorted.
func (c rowCounts) records() []string { return slices.Sorted(maps.Keys(c)) }

// count adds to the counts, in the transaction that adds or deletes the rows.
// With a sign of -1 it subtracts.
func (w *writer) count(ctx context.Context, counts rowCounts, sign int64) error {
	args := make([]any, 0, 3*len(counts))
	for record, c := range counts {
		args = append(args, record, sign*c.rows, sign*c.bytes)
	}
	return w.execChunks(ctx, &w.addCounts, args)
}

// countAdded is part of the transaction that has just added a number of rows.
// fresh are the records that had none before. It notices rows of other programs,
// and returns the ID of the last row.
func (w *writer) countAdded(ctx context.Context, added int64, fresh []string) (last int64, err error) {
	statement, err := w.prepared(ctx, moveCounted)
	if err != nil {
		return 0, err
	}
	err = statement.QueryRowContext(ctx, added).Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		last, err = w.noteExternal(ctx, added)
	}
	if err != nil {
		return 0, err
	}
	w.names.learn(fresh, last-added, last)
	w.last = last
	return last, nil
}

// noteExternal counts the rows that other programs have added before our own
// latest ones, or notes that there are many.
func (w *writer) noteExternal(ctx context.Context, own int64) (last int64, err error) {
	counted, err := metaInt(ctx, w.conn, "counted_last")
	if err != nil {
		return 0, err
	}
	if err := w.conn.QueryRowContext(ctx, "SELECT "+lastID).Scan(&last); err != nil {
		return 0, err
	}
	if _, err := w.exec(ctx, markExternal, counted, last-own); err != nil {
		return 0, err
	}
	if last-own-counted > fewExternal {
		return last, w.markRecount(ctx, last)
	}
	_, err = w.exec(ctx, countExternal, counted, last-own)
	return last, errors.Join(err, setMeta(ctx, w.conn, "counted_last", last))
}

// markRecount notes that the counts lack some of the rows up to an ID.
func (w *writer) markRecount(ctx context.Context, last int64) error {
	return errors.Join(setMeta(ctx, w.conn, "counted_last", last), setMeta(ctx, w.conn, "recount", last))
}

// markRecountAll notes that all rows are to be counted again. Rows that other programs have
// added get their version before they look like counted ones.
func (w *writer) markRecountAll(ctx context.Context) error {
	counted, err := metaInt(ctx, w.conn, "counted_last")
	if err != nil {
		return err
	}
	var last int64
	if err := w.conn.QueryRowContext(ctx, "SELECT "+lastID).Scan(&last); err != nil {
		return err
	}
	if _, err := w.exec(ctx, markExternal, counted, last); err != nil {
		return err
	}
	return w.markRecount(ctx, last)
}

// pendingRecount looks for rows that other programs have added, and returns the
// mark if some are not counted.
func (w *writer) pendingRecount(ctx context.Context) (mark string, err error) {
	var counted bool
	if err := w.conn.QueryRowContext(ctx, isCounted).Scan(&counted); err != nil || counted {
		return "", err
	}
	err = inTransaction(ctx, w.conn, func() error {
		if _, err := w.countAdded(ctx, 0, nil); err != nil {
			return err
		}
		mark, err = meta(ctx, w.conn, "recount")
		return err
	})
	return mark, err
}

// isCounted reports whether the counts include all rows.
func (s *Store) isCounted(ctx context.Context) (counted bool, err error) {
	if s.version < steppedSince {
		return false, nil
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	err = s.readers.QueryRowContext(ctx, isCounted).Scan(&counted)
	return counted, s.readError("read what is counted", err)
}

// countedLast is the ID of the last row that is not of another program since the last commit.
func (s *Store) countedLast(ctx context.Context) (id int64, err error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	id, err = metaInt(ctx, s.readers, "counted_last")
	return id, s.readError("read which row was counted last", err)
}

// recount counts all rows if some are not counted yet, and corrects the counts. It
// only reads meanwhile, so no write waits. The caller holds the sweep.
func (s *Store) recount(ctx context.Context) error {
	if counted, err := s.isCounted(ctx); err != nil || counted {
		return err
	}
	var mark string
	err := s.ask(ctx, s.background, func(ctx context.Context, w *writer) (err error) {
		mark, err = w.pendingRecount(ctx)
		return s.writeError("look for rows that are not counted", err)
	})
	if err != nil || mark == "" {
		return err
	}
	off, _, err := s.compareCounts(ctx)
	if err != nil {
		return err
	}
	return s.ask(ctx, s.background, func(ctx context.Context, w *writer) error {
		return s.writeError("count the rows", inTransaction(ctx, w.conn, func() error {
			if err := w.adjust(ctx, off); err != nil {
				return err
			}
			// The mark is another one if more rows were found meanwhile.
			_, err := w.exec(ctx, "DELETE FROM aimdb_meta WHERE key = 'recount' AND value = ?", mark)
			return err
		}))
	})
}

// adjust adds to the counts what is missing. For the clock of a record, rows that
// were missing count by their times.
func (w *writer) adjust(ctx context.Context, off rowCounts) error {
	if err := w.count(ctx, off, 1); err != nil {
		return err
	}
	for record := range off {
		_, err := w.exec(ctx, `UPDATE aimdb_record SET last_time = (SELECT max(stored_at) FROM record_history WHERE record_name = ?1)
			WHERE name = ?1 AND step_id IS NULL`, record)
		if err != nil {
			return err
		}
	}
	return nil
}

// tallied are the numbers of all rows, and of those whose value is not JSON.
type tallied struct{ rows, broken int64 }

// compareCounts reads all rows, page by page, and returns by how much the counts
// are too small.
func (s *Store) compareCounts(ctx context.Context) (off rowCounts, all tallied, err error) {
	kept, to, err := s.readCounts(ctx)
	if err != nil {
		return nil, all, err
	}
	found, all, err := s.countAll(ctx, to)
	if err != nil {
		return nil, all, err
	}
	off, err = s.countsOff(ctx, kept, found)
	return off, all, err
}

// countsOff returns by how much counts are too small that differ from what was found.
func (s *Store) countsOff(ctx context.Context, kept, found rowCounts) (off rowCounts, err error) {
	for record := range kept {
		found.add(record, 0, 0)
	}
	off = rowCounts{}
	for record, c := range found {
		if c == kept[record] {
			continue
		}
		// Rows may have been deleted between the pages, so look at one moment.
		d, err := s.difference(ctx, record)
		if err != nil {
			return nil, s.readError("count the rows of "+record, err)
		}
		if d != (rowCount{}) {
			off[record] = d
		}
	}
	return off, nil
}

// sentences says which counts are off.
func (c rowCounts) sentences() (lines []string) {
	for _, record := range c.records() {
		lines = append(lines, fmt.Sprintf("the count of %s is off by %+d rows and %+d bytes", record, c[record].rows, c[record].bytes))
	}
	return lines
}

// countAll counts the rows up to an ID, and those whose value is not JSON, by
// reading them.
func (s *Store) countAll(ctx context.Context, to int64) (found rowCounts, all tallied, err error) {
	found = rowCounts{}
	for after := int64(0); err == nil && after < to; {
		after, err = s.countPage(ctx, after, to, found, &all)
	}
	return found, all, s.readError("count the rows", err)
}

func (s *Store) countPage(ctx context.Context, after, to int64, found rowCounts, all *tallied) (end int64, err error) {
	const rowsOfPage = 1 << 15
	ctx, cancel := s.reading(ctx)
	defer cancel()
	err = s.readers.QueryRowContext(ctx, "SELECT coalesce((SELECT id FROM record_history WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT 1 OFFSET ?3), ?2)", after, to, rowsOfPage-1).Scan(&end)
	if err != nil {
		return 0, err
	}
	rows, err := s.readers.QueryContext(ctx, `SELECT record_name, count(*), sum(octet_length(value_json)), sum(NOT json_valid(value_json))
		FROM record_history NOT INDEXED WHERE id > ? AND id <= ? GROUP BY record_name`, after, end)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var record string
		var count, bytes, broken int64
		if err := rows.Scan(&record, &count, &bytes, &broken); err != nil {
			return 0, err
		}
		found.add(record, count, bytes)
		all.rows, all.broken = all.rows+count, all.broken+broken
	}
	return end, rows.Err()
}

// readCounts returns the counts, and up to which ID they have the rows.
func (s *Store) readCounts(ctx context.Context) (kept rowCounts, to int64, err error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, `SELECT name, rows, bytes, (SELECT CAST(value AS INTEGER) FROM aimdb_meta WHERE key = 'counted_last') FROM aimdb_record
		UNION ALL SELECT '', 0, 0, (SELECT CAST(value AS INTEGER) FROM aimdb_meta WHERE key = 'counted_last')`)
	if err != nil {
		return nil, 0, s.readError("read the counts", err)
	}
	defer rows.Close()
	kept = rowCounts{}
	for rows.Next() {
		var record string
		var c rowCount
		if err := rows.Scan(&record, &c.rows, &c.bytes, &to); err != nil {
			return nil, 0, s.readError("read the counts", err)
		}
		if record != "" {
			kept[record] = c
		}
	}
	return kept, to, s.readError("read the counts", rows.Err())
}

// difference returns by how much the count of a record is too small, as of one
// moment. Whatever this program writes meanwhile does not change it.
func (s *Store) difference(ctx context.Context, record string) (c rowCount, err error) {
	err = s.readers.QueryRowContext(ctx, `SELECT r.rows - coalesce(a.rows, 0), r.bytes - coalesce(a.bytes, 0) FROM
		(SELECT count(*) AS rows, coalesce(sum(octet_length(value_json)), 0) AS bytes FROM record_history
		WHERE record_name = ?1 AND +id <= (SELECT CAST(value AS INTEGER) FROM aimdb_meta WHERE key = 'counted_last')) r
		LEFT JOIN aimdb_record a ON a.name = ?1`, record).Scan(&c.rows, &c.bytes)
	return c, err
}
