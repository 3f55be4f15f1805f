package sqlite

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// CheckReport says what Check found.
type CheckReport struct {
	// Rows is the number of rows that were looked at.
	Rows int64 `json:"rows"`
	// Problems says what is wrong, in sentences; empty is a history in order.
	// Neither it nor Repaired is nil.
	Problems []string `json:"problems"`
	// Repaired says, in sentences, what was wrong and has been put right.
	Repaired []string `json:"repaired"`
}

// Check reads the whole file: its structure, its indexes, the values, and the
// counts beside the history. Of these only the counts are put right, and only
// if the store can write. Rows are read in pages, but the look at the structure
// and at a record whose count is off are one read transaction each, without a
// deadline but that of the context: for as long as one lasts, the write-ahead
// log cannot be taken over.
func (s *Store) Check(ctx context.Context) (report CheckReport, err error) {
	report.Repaired = []string{}
	if report.Problems, err = s.integrity(ctx); err != nil {
		return report, s.readError("check the structure", err)
	}
	if s.write != nil {
		release, err := s.holdSweep(ctx)
		if err != nil {
			return report, err
		}
		defer release()
	}
	found, broken, err := s.countAll(ctx)
	if err != nil {
		return report, err
	}
	for _, c := range found {
		report.Rows += c.rows
	}
	if broken > 0 {
		report.Problems = append(report.Problems, fmt.Sprintf("%d rows hold a value that is not JSON; queries skip them", broken))
	}
	return report, s.checkCounts(ctx, found, &report)
}

func (s *Store) integrity(ctx context.Context) (problems []string, err error) {
	rows, err := s.readers.QueryContext(ctx, "PRAGMA integrity_check(100)")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	problems = []string{}
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		if line != "ok" {
			problems = append(problems, line)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var indexed int
	err = s.readers.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = 'idx_record_time' AND tbl_name = 'record_history'").Scan(&indexed)
	if err == nil && indexed == 0 {
		problems = append(problems, "the index idx_record_time is missing; the next start of a database on the file makes it, and so does 'aimdb history check --repair'")
	}
	return problems, err
}

// checkCounts compares the counts with the rows. What is not counted yet is not
// wrong, and is left to the next one who writes.
func (s *Store) checkCounts(ctx context.Context, found tally, report *CheckReport) error {
	if !s.own {
		return nil
	}
	if counted, err := s.isCounted(ctx); err != nil || !counted {
		return err
	}
	kept, err := s.readCounts(ctx)
	if err != nil {
		return s.readError("check the counts", err)
	}
	for record := range kept {
		found.add(record, 0, 0)
	}
	off := tally{}
	for _, record := range slices.Sorted(maps.Keys(found)) {
		c, k := found[record], kept[record]
		if k != nil && c.rows == k.rows && c.bytes == k.bytes {
			continue
		}
		rows, bytes, err := s.difference(ctx, record)
		if err != nil {
			return s.readError("check the count of "+record, err)
		}
		if rows == 0 && bytes == 0 {
			continue // rows came or went between the pages
		}
		off.add(record, rows, bytes)
	}
	return s.adjust(ctx, off, report)
}

func (s *Store) readCounts(ctx context.Context) (tally, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, "SELECT name, rows, bytes FROM aimdb_record")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	kept := tally{}
	for rows.Next() {
		var record string
		var count, bytes int64
		if err := rows.Scan(&record, &count, &bytes); err != nil {
			return nil, err
		}
		kept.add(record, count, bytes)
	}
	return kept, rows.Err()
}

// difference returns by how much the count of a record is too small, as of one
// moment. Whatever is written meanwhile does not change it.
func (s *Store) difference(ctx context.Context, record string) (rows, bytes int64, err error) {
	text := fmt.Sprintf(`SELECT r.rows - coalesce(a.rows, 0), r.bytes - coalesce(a.bytes, 0) FROM
		(SELECT count(*) AS rows, coalesce(sum(octet_length(value_json)), 0) AS bytes FROM record_history
		WHERE record_name = ?1 AND +id <= `+number+` AND NOT (+id > `+number+` AND +id <= `+number+`)) r
		LEFT JOIN aimdb_record a ON a.name = ?1`, "counted_last", "counted_to", "count_until")
	err = s.readers.QueryRowContext(ctx, text, record).Scan(&rows, &bytes)
	return rows, bytes, err
}

// adjust adds what is missing from the counts if the store can write, and says
// what is off.
func (s *Store) adjust(ctx context.Context, off tally, report *CheckReport) error {
	if len(off) == 0 {
		return nil
	}
	var lines []string
	for _, record := range slices.Sorted(maps.Keys(off)) {
		lines = append(lines, fmt.Sprintf("the count of %s is off by %+d rows and %+d bytes", record, off[record].rows, off[record].bytes))
	}
	if s.write == nil {
		report.Problems = append(report.Problems, lines...)
		return nil
	}
	report.Repaired = lines
	return s.ask(ctx, s.patient, func(ctx context.Context, w *writer) error {
		return s.writeError("put the counts right", inTransaction(ctx, w.conn, func() error { return w.count(ctx, off) }))
	})
}
