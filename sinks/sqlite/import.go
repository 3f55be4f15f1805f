package sqlite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
)

// ImportReport counts the rows of an import.
type ImportReport struct {
	// Added rows are new, Skipped ones existed already.
	Added   int64 `json:"added"`
	Skipped int64 `json:"skipped"`
}

// Import adds rows that do not exist yet. A row exists if the history has one of
// the same record, time and value, white space aside. If it comes several times
// among neighbours of one record and time, it exists if the history has it as many
// times. So an import that was interrupted can be run again. IDs of the rows are
// not kept. Writes go on meanwhile.
func (s *Store) Import(ctx context.Context, rows iter.Seq2[history.Row, error]) (report ImportReport, err error) {
	const size = 256
	im := importer{store: s, generation: s.watch.generation.Load(), seen: map[string]*sameTime{}}
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

// importer remembers the rows of the latest time of each record.
type importer struct {
	store      *Store
	generation int64
	seen       map[string]*sameTime
}

// sameTime counts the rows of one record and time by their values.
type sameTime struct {
	time   int64
	counts map[string]int
}

// nth counts a row and returns its ordinal among identical rows, from 1.
func (im *importer) nth(row history.Row) int {
	at := im.seen[row.Record]
	if at == nil || at.time != row.Time {
		at = &sameTime{time: row.Time, counts: map[string]int{}}
		im.seen[row.Record] = at
	}
	value := compact(row.Value)
	at.counts[value]++
	return at.counts[value]
}

// compact drops white space from JSON that is known to be valid.
func compact(value []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		return string(value)
	}
	return b.String()
}

func (im *importer) add(ctx context.Context, part []history.Row, report *ImportReport) error {
	if len(part) == 0 {
		return ctx.Err()
	}
	nth := make([]int, len(part))
	for i, row := range part {
		nth[i] = im.nth(row)
	}
	s := im.store
	return s.ask(ctx, s.background, func(ctx context.Context, w *writer) error {
		if err := s.checkGeneration(im.generation); err != nil {
			return err
		}
		var added int64
		err := inTransaction(ctx, w.conn, func() (err error) {
			added, err = w.addMissing(ctx, part, nth)
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
func (w *writer) addMissing(ctx context.Context, part []history.Row, nth []int) (added int64, err error) {
	find, err := w.prepared(ctx, `SELECT count(*) FROM (SELECT 1 FROM record_history
		WHERE record_name = ?1 AND stored_at = ?2 
		AND (value_json = ?3 OR value_json = ?4 OR json_valid(value_json) AND json(value_json) = ?4) LIMIT ?5)`)
	if err != nil {
		return 0, err
	}
	fresh, newest := rowCounts{}, map[string]int64{}
	var all []sinks.Entry
	for i, row := range part {
		var have int
		if err := find.QueryRowContext(ctx, row.Record, row.Time, string(row.Value), compact(row.Value), nth[i]).Scan(&have); err != nil {
			return 0, err
		}
		if have >= nth[i] {
			continue
		}
		all = append(all, sinks.Entry{Record: row.Record, Time: row.Time, Value: row.Value})
		if err := w.insert(ctx, all[len(all)-1:]); err != nil {
			return 0, err
		}
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
	return added, w.addSums(ctx, last-added+1, all, "")
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
