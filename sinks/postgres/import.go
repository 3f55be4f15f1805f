package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
)

// importStep is how many rows are imported in one transaction.
const importStep = 500

// Import adds rows that do not exist yet, with their times. A row exists if the history has
// one of the same record, time and value, white space aside. If it comes several times
// among neighbours of one record and time, it exists if the history has it as many times.
// So an import that was interrupted can be run again. A process may write meanwhile: each
// step of some hundred rows makes it wait. Rows count by their times, as those of other
// programs do.
func (s *Store) Import(ctx context.Context, rows iter.Seq2[history.Row, error]) (report history.ImportReport, err error) {
	im := importer{store: s}
	var part []sinks.Entry
	for row, err := range rows {
		e := sinks.Entry{Record: row.Record, Time: row.Time, Value: row.Value, Shape: row.Shape}
		if row.Stored != 0 {
			e.Timed, e.Event, e.Time = true, row.Time, row.Stored
		}
		if err == nil {
			_, err = key.Parse(row.Record)
		}
		if err == nil {
			err = notStorable(e)
		}
		if err != nil {
			return report, errors.Join(err, im.add(ctx, part, &report))
		}
		if part = append(part, e); len(part) == importStep {
			if err := im.add(ctx, part, &report); err != nil {
				return report, err
			}
			part = part[:0]
		}
	}
	return report, im.add(ctx, part, &report)
}

// importer adds rows to a store.
type importer struct {
	store *Store
	seen  history.Occurrences
}

func (im *importer) add(ctx context.Context, part []sinks.Entry, report *history.ImportReport) error {
	if len(part) == 0 {
		return ctx.Err()
	}
	s := im.store
	db, err := s.db(ctx)
	if err != nil {
		return err
	}
	nth := make([]int, len(part))
	for i, e := range part {
		nth[i] = im.seen.Nth(history.Row{Record: e.Record, Time: e.RowTime(), Value: e.Value})
	}
	var added int
	for range attempts {
		if err = s.preparePartitions(ctx, db, part); err != nil {
			break
		}
		err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) (err error) {
			added, err = s.addMissing(ctx, tx, part, nth)
			return err
		})
		if !passing(err) {
			break
		}
	}
	if err != nil {
		return s.explained(fmt.Sprintf("import %d rows", len(part)), err)
	}
	report.Added += int64(added)
	report.Skipped += int64(len(part) - added)
	return nil
}

// preparePartitions makes the partitions that entries need. One that a sweep drops before
// the rows are stored is made again by the next attempt.
func (s *Store) preparePartitions(ctx context.Context, db *pgxpool.Pool, part []sinks.Entry) error {
	entries, err := withWrites(ctx, db, part)
	if err != nil {
		return err
	}
	p := partitions{width: s.facts.Load().width, known: map[int64]bool{}}
	return p.prepare(ctx, db, entries)
}

// addMissing stores the entries that the history has fewer than nth times.
func (s *Store) addMissing(ctx context.Context, tx pgx.Tx, part []sinks.Entry, nth []int) (added int, err error) {
	if err := holdWriter(ctx, tx); err != nil {
		return 0, err
	}
	have, err := countIdentical(ctx, tx, part)
	if err != nil {
		return 0, err
	}
	var missing []sinks.Entry
	for i, e := range part {
		if have[identical{e.Record, e.RowTime(), history.CompactJSON(e.Value)}] < nth[i] {
			missing = append(missing, e)
		}
	}
	return len(missing), s.addRows(ctx, tx, missing)
}

// identical is what rows have in common that are the same to an import.
type identical struct {
	record string
	time   int64
	value  string
}

// countIdentical counts the rows that the history has at the records and times of entries.
func countIdentical(ctx context.Context, tx pgx.Tx, part []sinks.Entry) (map[identical]int, error) {
	names, times := make([]string, len(part)), make([]int64, len(part))
	for i, e := range part {
		names[i], times[i] = e.Record, e.RowTime()
	}
	rows, err := tx.Query(ctx, `SELECT h.record_name, h.stored_at, h.value_json
		FROM (SELECT DISTINCT * FROM unnest($1::text[], $2::bigint[])) AS r(record, at)
		JOIN record_history h ON h.record_name = r.record AND h.stored_at = r.at`, names, times)
	if err != nil {
		return nil, err
	}
	have := map[identical]int{}
	var name, value string
	var time int64
	_, err = pgx.ForEachRow(rows, []any{&name, &time, &value}, func() error {
		have[identical{name, time, history.CompactJSON([]byte(value))}]++
		return nil
	})
	return have, err
}

// addRows stores rows beside the batches of the log, in a transaction that has made the
// writer wait.
func (s *Store) addRows(ctx context.Context, tx pgx.Tx, entries []sinks.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	entries, err := withWrites(ctx, tx, entries)
	if err != nil {
		return err
	}
	var id int64
	if err := tx.QueryRow(ctx, "UPDATE aimdb_checkpoint SET next_id = next_id + $1 RETURNING next_id - $1", len(entries)).Scan(&id); err != nil {
		return err
	}
	w := writer{conn: tx.Conn()}
	if err := w.copyRows(ctx, entries, id, true); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, markShapes, shapeRuns(entries, id)...); err != nil {
		return err
	}
	var c recordCounts
	for _, e := range entries {
		c.add(e)
	}
	_, err = tx.Exec(ctx, `INSERT INTO aimdb_record AS r (record_name, rows, bytes, last_time, timed)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bool[]) ON CONFLICT (record_name)
		DO UPDATE SET rows = r.rows + excluded.rows, bytes = r.bytes + excluded.bytes, last_time = greatest(r.last_time, excluded.last_time), timed = r.timed OR excluded.timed`,
		c.names, c.rows, c.bytes, c.last, c.timed)
	return err
}

// withWrites gives those entries that have one time alone, of records with event times, this
// moment as the time of their write.
func withWrites(ctx context.Context, on querier, entries []sinks.Entry) ([]sinks.Entry, error) {
	var names []string
	for _, e := range entries {
		if !e.Timed {
			names = append(names, e.Record)
		}
	}
	timed, name := map[string]bool{}, ""
	err := each(ctx, on, "SELECT record_name FROM aimdb_record WHERE timed AND record_name = ANY($1)", []any{names}, []any{&name}, func() { timed[name] = true })
	if err != nil || len(timed) == 0 {
		return entries, err
	}
	entries, now := slices.Clone(entries), time.Now().UnixMilli()
	for i := range entries {
		if e := &entries[i]; !e.Timed && timed[e.Record] {
			e.Timed, e.Event, e.Time = true, e.Time, now
		}
	}
	return entries, nil
}

// recordCounts are rows, bytes and the last times of records, by columns.
type recordCounts struct {
	index             map[string]int
	names             []string
	rows, bytes, last []int64
	timed             []bool
}

func (c *recordCounts) add(e sinks.Entry) {
	i, known := c.index[e.Record]
	if !known {
		if c.index == nil {
			c.index = map[string]int{}
		}
		i = len(c.names)
		c.index[e.Record] = i
		c.names, c.rows, c.bytes, c.last = append(c.names, e.Record), append(c.rows, 0), append(c.bytes, 0), append(c.last, e.Time)
		c.timed = append(c.timed, false)
	}
	c.rows[i]++
	c.bytes[i] += int64(len(e.Value))
	c.timed[i] = c.timed[i] || e.Timed
	c.last[i] = max(c.last[i], e.Time)
}
