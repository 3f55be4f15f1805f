package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// The counts beside the history know all rows up to the ID counted_last but for
// a span of IDs, above counted_to and up to count_until, that is counted later.
// Every transaction of this program that adds rows moves counted_last along, so
// rows that others add show as IDs that nobody has counted.

const (
	number   = "(SELECT CAST(value AS INTEGER) FROM aimdb_meta WHERE key = '%s')"
	addCount = " ON CONFLICT(name) DO UPDATE SET rows = rows + excluded.rows, bytes = bytes + excluded.bytes"
	// countSpan reads the rows in the transaction that counts them, so nobody
	// can delete them in between.
	countSpan = `INSERT INTO aimdb_record(name, rows, bytes)
		SELECT record_name, count(*), sum(octet_length(value_json)) FROM record_history NOT INDEXED
		WHERE id > ?1 AND id <= ?2 GROUP BY record_name` + addCount
	// moveCounted finds nothing if others have added rows.
	moveCounted = "UPDATE aimdb_meta SET value = CAST(" + lastID + " AS TEXT) WHERE key = 'counted_last' AND CAST(value AS INTEGER) = " + lastID + " - ?1 RETURNING CAST(value AS INTEGER)"
	pageEnd     = "SELECT coalesce((SELECT id FROM record_history WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT 1 OFFSET ?3), ?2)"
	// fewForeign is the number of IDs that are counted where they are found.
	fewForeign = 1024
)

// counting is what of the history is counted.
type counting struct{ to, until, last, end int64 }

func (c counting) pending() bool { return c.to < c.until }
func (c counting) done() bool    { return !c.pending() && c.last >= c.end }

// has says whether a row is in the counts.
func (c counting) has(id int64) bool {
	return id <= c.last && (id <= c.to || id > c.until)
}

func readCounting(ctx context.Context, row *sql.Row) (c counting, err error) {
	err = row.Scan(&c.to, &c.until, &c.last, &c.end)
	return c, err
}

func countingText() string {
	return fmt.Sprintf("SELECT coalesce("+number+", 0), coalesce("+number+", 0), coalesce("+number+", 0), "+lastID, "counted_to", "count_until", "counted_last")
}

func (w *writer) counting(ctx context.Context) (c counting, err error) {
	statement, err := w.prepared(ctx, countingText())
	if err != nil {
		return c, err
	}
	return readCounting(ctx, statement.QueryRowContext(ctx))
}

// countAdded is part of the transaction that has just added the rows of a tally.
func (w *writer) countAdded(ctx context.Context, t tally) error {
	added := int64(0)
	for _, c := range t {
		added += c.rows
	}
	if added == 0 {
		return nil
	}
	statement, err := w.prepared(ctx, moveCounted)
	if err != nil {
		return err
	}
	var last int64
	err = statement.QueryRowContext(ctx, added).Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		last, err = w.countForeign(ctx, added)
	}
	if err != nil {
		return err
	}
	if last != w.last+added {
		w.others = true
		clear(w.clocks) // of the times of those rows they do not know
	}
	w.last = last
	return w.count(ctx, t)
}

// countForeign takes note of the rows that others added before the latest ones,
// which are our own. Few are counted at once, many when there is time.
func (w *writer) countForeign(ctx context.Context, own int64) (last int64, err error) {
	c, err := w.counting(ctx)
	if err != nil {
		return 0, err
	}
	switch end := c.end - own; {
	case end <= c.last:
	case c.pending() || end-c.last <= fewForeign:
		_, err = w.exec(ctx, countSpan, c.last, end)
	default:
		err = errors.Join(setMeta(ctx, w.conn, "counted_to", c.last), setMeta(ctx, w.conn, "count_until", end))
	}
	return c.end, errors.Join(err, setMeta(ctx, w.conn, "counted_last", c.end))
}

// meetForeign looks for rows that others added while this program did not run.
func (w *writer) meetForeign(ctx context.Context) error {
	c, err := w.counting(ctx)
	if err == nil && c.last != c.end {
		err = inTransaction(ctx, w.conn, func() error {
			_, err := w.countForeign(ctx, 0)
			return err
		})
	}
	w.last = c.end
	return err
}

// isCounted says whether the counts beside the history cover all rows.
func (s *Store) isCounted(ctx context.Context) (bool, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	c, err := readCounting(ctx, s.readers.QueryRowContext(ctx, countingText()))
	return c.done(), s.readError("read what is counted", err)
}

// countRest counts the rows that are not counted yet, piece by piece. The caller
// holds the sweep, so that not everybody does this at once.
func (s *Store) countRest(ctx context.Context) error {
	size := newPace(4096, 512, 1<<14)
	for {
		done, err := s.isCounted(ctx)
		if err != nil || done {
			return err
		}
		err = s.ask(ctx, s.patient, func(ctx context.Context, w *writer) error {
			began := time.Now()
			rows := size.rows()
			err := w.lazily(ctx, func() error {
				return inTransaction(ctx, w.conn, func() error { return w.countPiece(ctx, rows) })
			})
			size.took(rows, time.Since(began))
			return s.writeError("count the rows", err)
		})
		if err != nil {
			return err
		}
	}
}

func (w *writer) countPiece(ctx context.Context, rows int) error {
	c, err := w.counting(ctx)
	if err != nil {
		return err
	}
	if !c.pending() {
		_, err := w.countForeign(ctx, 0)
		return err
	}
	var end int64
	if err := w.conn.QueryRowContext(ctx, pageEnd, c.to, c.until, rows-1).Scan(&end); err != nil {
		return err
	}
	if _, err := w.exec(ctx, countSpan, c.to, end); err != nil {
		return err
	}
	return setMeta(ctx, w.conn, "counted_to", end)
}

// countAll counts all rows of the file by reading them, page by page, without
// the counts beside them. It also says how many values are not JSON.
func (s *Store) countAll(ctx context.Context) (all tally, broken int64, err error) {
	all = tally{}
	position, err := s.Position(ctx)
	for after := int64(0); err == nil && after < position.MaxID; {
		var bad int64
		after, bad, err = s.countPage(ctx, after, position.MaxID, all)
		broken += bad
	}
	return all, broken, s.readError("count the rows", err)
}

func (s *Store) countPage(ctx context.Context, after, to int64, all tally) (end, broken int64, err error) {
	const rowsOfPage = 1 << 15
	ctx, cancel := s.reading(ctx)
	defer cancel()
	if err := s.readers.QueryRowContext(ctx, pageEnd, after, to, rowsOfPage-1).Scan(&end); err != nil {
		return 0, 0, err
	}
	rows, err := s.readers.QueryContext(ctx, `SELECT record_name, count(*), sum(octet_length(value_json)), sum(NOT json_valid(value_json))
		FROM record_history NOT INDEXED WHERE id > ? AND id <= ? GROUP BY record_name`, after, end)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var record string
		var count, bytes, bad int64
		if err := rows.Scan(&record, &count, &bytes, &bad); err != nil {
			return 0, 0, err
		}
		all.add(record, count, bytes)
		broken += bad
	}
	return end, broken, rows.Err()
}
