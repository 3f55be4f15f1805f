package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/history"
)

// mend repairs the structure of the file, because rows cannot be repaired in a damaged one.
// If only an index does not belong to its rows, it makes the indexes again. Otherwise it copies
// what can be read into a new file.
func (s *Store) mend(ctx context.Context, done *history.Repaired) error {
	problems, err := integrity(ctx, s.readers)
	if err != nil {
		return s.readError("check the structure", err)
	}
	problems = append(problems, keyProblems(ctx, s.readers)...)
	if !slices.ContainsFunc(problems, ofIndex) && !structureDamaged(problems) {
		return nil
	}
	release, err := s.takeSweep(ctx)
	if err != nil {
		return err
	}
	defer release()
	return s.ask(ctx, s.background, func(_ context.Context, w *writer) error {
		if err := s.checkGeneration(s.sweepGeneration); err != nil {
			return err
		}
		if !structureDamaged(problems) {
			if problems, err = w.remakeIndexes(ctx); err != nil {
				return s.writeError("make the indexes again", err)
			}
		}
		if !structureDamaged(problems) {
			return nil
		}
		if s.owner == nil {
			return errors.New("the structure of the file is damaged, and only its owner can put a new file in its place; stop the database and repair its directory")
		}
		return s.salvage(ctx, w, problems, done)
	})
}

// keyProblems finds damage to the text of the schema that SQLite accepts as another schema: the
// row of the checkpoint has lost its key, and can be read and not replaced.
func keyProblems(ctx context.Context, q queryer) []string {
	rows, err := q.QueryContext(ctx, "EXPLAIN "+setCheckpoint, "", 0, 0, 0, 0)
	if err == nil {
		err = errors.Join(rows.Err(), rows.Close())
	}
	if err != nil && ctx.Err() == nil {
		return []string{fmt.Sprintf("the checkpoint cannot be replaced: %v", err)}
	}
	return nil
}

// ofIndex reports whether a problem is that an index does not belong to its rows.
func ofIndex(problem string) bool {
	return strings.Contains(problem, "index idx_record_time") || strings.Contains(problem, "index aimdb_record_step")
}

// structureDamaged reports whether there is damage that is neither of an index alone nor of
// a value of a row, which the checksums find.
func structureDamaged(problems []string) bool {
	for _, p := range problems {
		if !ofIndex(p) && !strings.Contains(p, "value in record_history.") {
			return true
		}
	}
	return false
}

// remakeIndexes makes the indexes again, and returns what is wrong after that. That SQLite cannot
// do so is such a problem.
func (w *writer) remakeIndexes(ctx context.Context) (problems []string, err error) {
	err = inTransaction(ctx, w.conn, func() error {
		_, err := w.conn.ExecContext(ctx, historySchema+" REINDEX;")
		return err
	})
	if err = corruptError(err); errors.Is(err, ErrCorrupt) {
		return []string{fmt.Sprintf("the indexes cannot be made again: %v", err)}, nil
	}
	if err != nil {
		return nil, err
	}
	return integrity(ctx, w.conn)
}
