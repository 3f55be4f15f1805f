package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aimdb-go/aimdb/history"
)

// mend repairs the structure of the file, because rows cannot be repaired in a damaged one.
// If only the index does not belong to the rows, it makes the index again. Otherwise it copies
// what can be read into a new file.
func (s *Store) mend(ctx context.Context, done *history.Repaired) error {
	problems, err := integrity(ctx, s.readers)
	if err != nil {
		return s.readError("check the structure", err)
	}
	if !indexDamaged(problems) && !structureDamaged(problems) {
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
			if problems, err = w.remakeIndex(ctx); err != nil {
				return s.writeError("make the index again", err)
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

// indexDamaged reports whether the index of the history does not belong to its rows.
func indexDamaged(problems []string) bool {
	return strings.Contains(strings.Join(problems, " "), "idx_record_time")
}

// structureDamaged reports whether there is damage that is neither of the index alone nor of
// a value of a row, which the checksums find.
func structureDamaged(problems []string) bool {
	for _, p := range problems {
		if !strings.Contains(p, "idx_record_time") && !strings.Contains(p, "value in record_history.") {
			return true
		}
	}
	return false
}

// remakeIndex makes the index again, and returns what is wrong after that. That SQLite cannot
// do so is such a problem.
func (w *writer) remakeIndex(ctx context.Context) (problems []string, err error) {
	err = inTransaction(ctx, w.conn, func() error {
		_, err := w.conn.ExecContext(ctx, historySchema+" REINDEX record_history;")
		return err
	})
	if err = corruptError(err); errors.Is(err, ErrCorrupt) {
		return []string{fmt.Sprintf("the index cannot be made again: %v", err)}, nil
	}
	if err != nil {
		return nil, err
	}
	return integrity(ctx, w.conn)
}
