package sqlite

import (
	"context"
	"fmt"
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
	counted, err := s.isCounted(ctx)
	if err != nil {
		return report, err
	}
	off, all, err := s.checkRows(ctx, counted)
	if err != nil {
		return report, err
	}
	report.Rows = all.rows
	if all.broken > 0 {
		report.Problems = append(report.Problems, fmt.Sprintf("%d rows hold a value that is not JSON; queries skip them", all.broken))
	}
	return report, s.repairCounts(ctx, off, &report)
}

// checkRows reads all rows, and compares the counts with them if those are
// complete: what is not counted yet is not wrong, and is left to the next sweep.
func (s *Store) checkRows(ctx context.Context, counted bool) (off rowCounts, all tallied, err error) {
	if counted {
		return s.compareCounts(ctx)
	}
	at, err := s.Position(ctx)
	if err == nil {
		_, all, err = s.countAll(ctx, at.MaxID)
	}
	return nil, all, err
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

// repairCounts adds what is missing from the counts if the store can write, and
// says what is off.
func (s *Store) repairCounts(ctx context.Context, off rowCounts, report *CheckReport) error {
	if len(off) == 0 {
		return nil
	}
	var lines []string
	for _, record := range off.records() {
		lines = append(lines, fmt.Sprintf("the count of %s is off by %+d rows and %+d bytes", record, off[record].rows, off[record].bytes))
	}
	if s.write == nil {
		report.Problems = append(report.Problems, lines...)
		return nil
	}
	report.Repaired = lines
	return s.ask(ctx, s.background, func(ctx context.Context, w *writer) error {
		if err := s.still(s.sweepEra); err != nil {
			return err
		}
		return s.writeError("put the counts right", inTransaction(ctx, w.conn, func() error { return w.adjust(ctx, off) }))
	})
}
