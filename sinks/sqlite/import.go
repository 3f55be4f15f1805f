package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
)

// Import adds rows that do not exist yet. A row exists if the history has one of
// the same record, time and value, white space aside. If it comes several times
// among neighbours of one record and time, it exists if the history has it as many
// times. So an import that was interrupted can be run again. IDs of the rows are
// not kept. Writes go on meanwhile.
func (s *Store) Import(ctx context.Context, rows iter.Seq2[history.Row, error]) (report history.ImportReport, err error) {
	const size = 256
	im := importer{store: s, generation: s.watch.generation.Load()}
	var part []history.Row
	for row, err := range rows {
		if err == nil {
			err = checkRow(row)
		}
		if err != nil {
			return report, errors.Join(err, im.add(ctx, part, &report))
		}
		if part = append(part, row); len(part) == size {
			if err := im.add(ctx, part, &report); err != nil {
				return report, err
			}
			part = part[:0]
		}
	}
	return report, im.add(ctx, part, &report)
}

func checkRow(row history.Row) error {
	if _, err := key.Parse(row.Record); err != nil {
		return fmt.Errorf("import a row: %w", err)
	}
	if err := jsonrule.Check(row.Value); err != nil {
		return fmt.Errorf("import a row of %s at %d ms: its value %w", row.Record, row.Time, err)
	}
	return nil
}

// importer adds rows to a store.
type importer struct {
	store      *Store
	generation int64
	seen       history.Occurrences
}

func (im *importer) add(ctx context.Context, part []history.Row, report *history.ImportReport) error {
	if len(part) == 0 {
		return ctx.Err()
	}
	nth := make([]int, len(part))
	for i, row := range part {
		nth[i] = im.seen.Nth(row)
	}
	s := im.store
	return s.ask(ctx, s.background, func(ctx context.Context, w *writer) error {
		if err := s.checkGeneration(im.generation); err != nil {
			return err
		}
		var added int64
		err := inTransaction(ctx, w.conn, func() (err error) {
			added, err = w.addMissing(ctx, part, nth, s.now())
			return err
		})
		if err != nil {
			return s.writeError(fmt.Sprintf("import %d rows", len(part)), err)
		}
		report.Added += added
		report.Skipped += int64(len(part)) - added
		return nil
	})
}

// addMissing inserts the rows that the history has fewer than nth times.
func (w *writer) addMissing(ctx context.Context, part []history.Row, nth []int, now int64) (added int64, err error) {
	find, err := w.prepared(ctx, `SELECT count(*) FROM (SELECT 1 FROM record_history
		WHERE record_name = ?1 AND stored_at = ?2 
		AND (value_json = ?3 OR value_json = ?4 OR json_valid(value_json) AND json(value_json) = ?4) LIMIT ?5)`)
	if err != nil {
		return 0, err
	}
	fresh, newest := rowCounts{}, map[string]int64{}
	var all []sinks.Entry
	var records []string
	var at []int64
	for i, row := range part {
		var have int
		if err := find.QueryRowContext(ctx, row.Record, row.Time, string(row.Value), history.CompactJSON(row.Value), nth[i]).Scan(&have); err != nil {
			return 0, err
		}
		if have >= nth[i] {
			continue
		}
		all = append(all, sinks.Entry{Record: row.Record, Time: row.Time, Value: row.Value, Shape: row.Shape})
		if err := w.insert(ctx, all[len(all)-1:]); err != nil {
			return 0, err
		}
		records, at = append(records, row.Record), append(at, row.Stored)
		if ms, have := newest[row.Record]; !have || ms < row.Time {
			newest[row.Record] = row.Time
		}
		fresh.add(row.Record, 1, int64(len(row.Value)))
		added++
	}
	if added == 0 {
		return 0, nil
	}
	last, err := w.countImported(ctx, fresh, newest, added)
	if err != nil {
		return 0, err
	}
	if err := w.coverImported(ctx, last-added+1, records, at, now); err != nil {
		return 0, err
	}
	if err := w.addSums(ctx, last-added+1, all, ""); err != nil {
		return 0, err
	}
	return added, w.markShapes(ctx, last-added+1, all)
}

// countImported is part of the transaction that has just imported rows, with the
// newest time of each record. It returns the ID of the last one.
func (w *writer) countImported(ctx context.Context, fresh rowCounts, newest map[string]int64, added int64) (last int64, err error) {
	if last, err = w.countAdded(ctx, added, fresh.records()); err != nil {
		return 0, err
	}
	if err := w.count(ctx, fresh, 1); err != nil {
		return 0, err
	}
	for record, ms := range newest {
		if err := w.raiseClock(ctx, record, ms, last-added); err != nil {
			return 0, err
		}
	}
	return last, nil
}
