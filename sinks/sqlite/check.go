package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/aimdb-go/aimdb/internal/counted"
)

// CheckReport says what Check found.
type CheckReport struct {
	// Rows is the number of rows that were looked at.
	Rows int64 `json:"rows"`
	// Problems are sentences that say what is wrong; a sound history has none.
	// Neither it nor Repaired is nil.
	Problems []string `json:"problems"`
	// Repaired are sentences that say what was wrong and is now corrected.
	Repaired []string `json:"repaired"`
}

// Check reads the whole file: its structure, its indexes, the values, the
// checksums of the rows, and the counts of the records. It corrects the counts and gives rows a checksum that
// have none, and only if the store can write. Rows are read in pages. The check of the structure and of a record whose
// count is off is one read transaction each, without a deadline but that of the
// context; while it lasts, the write-ahead log cannot be checkpointed.
func (s *Store) Check(ctx context.Context) (report CheckReport, err error) {
	report.Repaired = []string{}
	if report.Problems, err = integrity(ctx, s.readers); err != nil {
		return report, s.readError("check the structure", err)
	}
	if s.write != nil {
		release, err := s.holdSweep(ctx)
		if err != nil {
			return report, err
		}
		defer release()
	}
	upToDate, err := s.isCounted(ctx)
	if err != nil {
		return report, err
	}
	off, all, err := s.checkRows(ctx, upToDate)
	if err != nil {
		return report, err
	}
	report.Rows = all.rows
	if all.broken > 0 {
		report.Problems = append(report.Problems, fmt.Sprintf("%s %s no JSON as value, which queries skip", counted.Of(all.broken, "row"), counted.Verb(all.broken, "has", "have")))
	}
	if err := s.repairCounts(ctx, off, &report); err != nil {
		return report, err
	}
	return report, s.checkSums(ctx, &report)
}

// checkSums compares the rows with their checksums, and gives those that have none one if
// the store can write. It leaves damaged ones as they are, since the log may hold them.
func (s *Store) checkSums(ctx context.Context, report *CheckReport) error {
	damaged, summed := 0, int64(0)
	for page, err := range s.provenPages(ctx, math.MaxInt64) {
		if err != nil {
			return err
		}
		damaged += len(page.found)
		report.Problems = append(report.Problems, page.problems()...)
		if s.write == nil {
			continue
		}
		for _, number := range page.bare {
			if c := page.chunks[number]; c != nil && c.damaged {
				continue
			}
			if err := s.repairing(ctx, "give rows a checksum", func(ctx context.Context, w *writer) error { return w.completeSums(ctx, number) }); err != nil {
				return err
			}
		}
		for _, n := range page.unchecked {
			summed += n
		}
	}
	if damaged > 0 {
		report.Problems = append(report.Problems, fmt.Sprintf("%s %s missing or not what was stored; 'aimdb verify' says which, and what the log still holds", counted.Of(damaged, "row"), counted.Verb(damaged, "is", "are")))
	}
	if summed > 0 {
		report.Repaired = append(report.Repaired, fmt.Sprintf("%s of other programs or older versions had no checksum", counted.Of(summed, "row")))
	}
	return nil
}

// checkRows reads all rows. It compares the counts with them if those are
// complete: rows that are not counted yet are left to the next sweep.
func (s *Store) checkRows(ctx context.Context, upToDate bool) (off rowCounts, all tallied, err error) {
	if upToDate {
		return s.compareCounts(ctx)
	}
	to, err := s.maxID(ctx)
	if err == nil {
		_, all, err = s.countAll(ctx, to)
	}
	return nil, all, err
}

// queryer is what of a connection or a pool a check needs.
type queryer interface {
	querier
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// maxProblems bounds what integrity returns.
const maxProblems = 100

// integrity returns what SQLite finds wrong with the structure of a file, a sentence each.
// That it cannot read the file is one of them.
func integrity(ctx context.Context, db queryer) (problems []string, err error) {
	problems = []string{}
	if err := checkIntegrity(ctx, db, &problems); err != nil {
		if err = corruptError(err); !errors.Is(err, ErrCorrupt) {
			return nil, err
		}
		problems = append(problems, fmt.Sprintf("SQLite cannot check the structure: %v", err))
	}
	if len(problems) > maxProblems {
		problems = append(problems[:maxProblems:maxProblems], "there is more damage of the structure")
	}
	return problems, nil
}

func checkIntegrity(ctx context.Context, db queryer, problems *[]string) error {
	rows, err := db.QueryContext(ctx, "PRAGMA integrity_check("+itoa(maxProblems)+")")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		for line := range strings.SplitSeq(text, "\n") {
			if line != "ok" && line != "" && !strings.HasPrefix(line, "*** in database") {
				*problems = append(*problems, line)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	var indexed int
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name = 'idx_record_time' AND tbl_name = 'record_history'").Scan(&indexed)
	if err == nil && indexed == 0 {
		*problems = append(*problems, "the index idx_record_time is missing; start a database on the file, or run 'aimdb history check --repair', to create it")
	}
	return err
}

// repairCounts reports counts that are off, and corrects them if the store can
// write.
func (s *Store) repairCounts(ctx context.Context, off rowCounts, report *CheckReport) error {
	if len(off) == 0 {
		return nil
	}
	lines := off.sentences()
	if s.write == nil {
		report.Problems = append(report.Problems, lines...)
		return nil
	}
	report.Repaired = lines
	return s.ask(ctx, s.background, func(ctx context.Context, w *writer) error {
		if err := s.checkGeneration(s.sweepGeneration); err != nil {
			return err
		}
		return s.writeError("put the counts right", inTransaction(ctx, w.conn, func() error { return w.adjust(ctx, off) }))
	})
}
