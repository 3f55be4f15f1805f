package sqlite

import (
	"context"
	"fmt"
)

// CheckReport says what Check found.
type CheckReport struct {
	// Rows is the number of rows that were looked at.
	Rows int64
	// Problems says what is wrong, in sentences; empty is a history in order.
	Problems []string
	// Recounted says that the counts beside the history were off and have
	// been put right.
	Recounted bool
}

// Check reads the whole file: its structure, its indexes, the values, and the
// counts beside the history. Of these only the counts are put right, and only
// if the store can write.
func (s *Store) Check(ctx context.Context) (report CheckReport, err error) {
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
	var broken int64
	err = s.readers.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(NOT json_valid(value_json)), 0) FROM record_history").Scan(&report.Rows, &broken)
	if err != nil {
		return report, s.readError("check the values", err)
	}
	if broken > 0 {
		report.Problems = append(report.Problems, fmt.Sprintf("%d rows hold a value that is not JSON; queries skip them", broken))
	}
	return report, s.checkCounts(ctx, &report)
}

func (s *Store) integrity(ctx context.Context) (problems []string, err error) {
	rows, err := s.readers.QueryContext(ctx, "PRAGMA integrity_check(100)")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
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

const wrongCounts = `SELECT n.name, coalesce(r.rows, 0) - coalesce(a.rows, 0), coalesce(r.bytes, 0) - coalesce(a.bytes, 0)
	FROM (SELECT name FROM aimdb_record UNION SELECT record_name FROM record_history) n
	LEFT JOIN (SELECT record_name AS name, count(*) AS rows, sum(octet_length(value_json)) AS bytes FROM record_history GROUP BY record_name) r USING (name)
	LEFT JOIN aimdb_record a USING (name)
	WHERE coalesce(r.rows, 0) <> coalesce(a.rows, 0) OR coalesce(r.bytes, 0) <> coalesce(a.bytes, 0)`

// checkCounts compares the counts with the rows, in one transaction so that
// writes meanwhile do not matter. What is off is off by a fixed difference,
// which the writer then adds.
func (s *Store) checkCounts(ctx context.Context, report *CheckReport) error {
	if !s.own {
		return nil
	}
	if counted, err := s.isCounted(ctx); err != nil || !counted {
		return err
	}
	rows, err := s.readers.QueryContext(ctx, wrongCounts)
	if err != nil {
		return s.readError("check the counts", err)
	}
	defer rows.Close()
	off := tally{}
	for rows.Next() {
		var name string
		var count, bytes int64
		if err := rows.Scan(&name, &count, &bytes); err != nil {
			return s.readError("check the counts", err)
		}
		off.add(name, count, bytes)
		report.Problems = append(report.Problems, fmt.Sprintf("the count of %s is off by %d rows and %d bytes", name, count, bytes))
	}
	if err := rows.Err(); err != nil || len(off) == 0 || s.write == nil {
		return s.readError("check the counts", err)
	}
	err = s.ask(ctx, s.patient, func(ctx context.Context, w *writer) error {
		return s.writeError("put the counts right", inTransaction(ctx, w.conn, func() error { return w.count(ctx, off) }))
	})
	report.Recounted = err == nil
	return err
}
