package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/aimdb-go/aimdb/history"
)

// repairBytes is how much of the log a repair holds in memory at once.
const repairBytes = 16 << 20

// logReader is what Repair reads the log with.
type logReader = func(ctx context.Context, from, to uint64) iter.Seq2[history.Row, error]

// Repair implements history.Verifier. A row is found in the log by its checksum, and gets its
// ID back. Rows whose checksums are damaged are accepted as they are. Writes go on meanwhile,
// except while a file whose structure is damaged is copied into a new one.
func (s *Store) Repair(ctx context.Context, read func(ctx context.Context, from, to uint64) iter.Seq2[history.Row, error]) (done history.Repaired, err error) {
	if s.write == nil {
		return done, fmt.Errorf("repair %s: %w", s.path, ErrReadOnly)
	}
	if err := s.mend(ctx, &done); err != nil {
		return done, fmt.Errorf("repair %s: %w", s.path, err)
	}
	release, err := s.holdSweep(ctx)
	if err != nil {
		return done, err
	}
	defer release()
	for page, err := range s.provenPages(ctx, 0) {
		if err != nil {
			return done, err
		}
		if err := s.repairPage(ctx, page, read, &done); err != nil {
			return done, fmt.Errorf("repair %s: %w", s.path, err)
		}
	}
	if err := s.recount(ctx); err != nil {
		return done, err
	}
	if done != (history.Repaired{}) {
		attrs := []any{"file", s.path, "restored", done.Restored, "lost", done.Lost}
		if done.Aside != "" {
			attrs = append(attrs, "old_file", done.Aside)
		}
		s.options.logger.Warn("the history was repaired", attrs...)
	}
	return done, s.repairing(ctx, "store the checkpoint twice", func(ctx context.Context, w *writer) error {
		c, err := scanCheckpoints(w.conn.QueryRowContext(ctx, checkpointText))
		if err != nil {
			return err
		}
		p, wrong, err := c.choose()
		if err != nil || wrong == "" {
			return err
		}
		return w.setCheckpoint(ctx, p)
	})
}

// repairing has the writer do a step of a repair in one transaction.
func (s *Store) repairing(ctx context.Context, what string, do func(ctx context.Context, w *writer) error) error {
	return s.ask(ctx, s.background, func(ctx context.Context, w *writer) error {
		if err := s.checkGeneration(s.sweepGeneration); err != nil {
			return err
		}
		return s.writeError(what, inTransaction(ctx, w.conn, func() error { return do(ctx, w) }))
	})
}

// makeIndex makes the index of the history again.
func (w *writer) makeIndex(ctx context.Context) error {
	_, err := w.conn.ExecContext(ctx, historySchema+" REINDEX record_history;")
	return err
}

func (s *Store) repairPage(ctx context.Context, page *provenPage, read logReader, done *history.Repaired) error {
	for found := page.found; len(found) > 0; {
		number, n := chunkOf(found[0].id), 1
		for n < len(found) && chunkOf(found[n].id) == number {
			n++
		}
		if err := s.repairChunk(ctx, page.chunks[number], found[:n], read, done); err != nil {
			return err
		}
		found = found[n:]
	}
	for number, c := range page.chunks {
		if !c.damaged {
			continue
		}
		err := s.repairing(ctx, "make checksums again", func(ctx context.Context, w *writer) error { return w.completeSums(ctx, number) })
		if err != nil {
			return err
		}
	}
	return nil
}

// candidate is the value of the log that has a checksum. Two values that differ and have the
// same checksum are no candidate.
type candidate struct {
	row   *history.Row
	twice bool
}

// repairChunk restores the damaged rows of a chunk, and gives up those that the log does not
// hold.
func (s *Store) repairChunk(ctx context.Context, c *chunk, found []finding, read logReader, done *history.Repaired) error {
	for more := c.from > 0; more; {
		candidates := map[uint32]*candidate{}
		for _, f := range found {
			candidates[f.sum] = &candidate{}
		}
		var err error
		if more, err = collect(candidates, read(ctx, c.from, c.to)); err != nil {
			return err
		}
		var rest []finding
		err = s.repairing(ctx, "restore rows", func(ctx context.Context, w *writer) (err error) {
			var restored int64
			restored, rest, err = w.restoreRows(ctx, c.number, found, candidates)
			done.Restored += restored
			return err
		})
		if err != nil {
			return err
		}
		more = more && len(rest) < len(found)
		found = rest
	}
	if len(found) == 0 {
		return nil
	}
	return s.repairing(ctx, "count damaged rows as lost", func(ctx context.Context, w *writer) error {
		lost, err := w.giveUp(ctx, c.number, found, s.now())
		done.Lost += lost
		return err
	})
}

// collect looks for candidates among rows. It returns whether there are more of them than
// memory is to hold.
func collect(candidates map[uint32]*candidate, rows iter.Seq2[history.Row, error]) (more bool, err error) {
	size, buffer, sum := 0, []byte(nil), uint32(0)
	for row, err := range rows {
		if err != nil {
			return false, err
		}
		buffer, sum = rowSum(buffer, row.Record, row.Time, []byte(row.Value))
		c := candidates[sum]
		switch {
		case c == nil || c.twice:
		case c.row != nil:
			if c.row.Record != row.Record || c.row.Time != row.Time || !bytes.Equal(c.row.Value, row.Value) {
				*c = candidate{twice: true}
			}
		case size >= repairBytes:
			more = true
		default:
			row.Record, row.Value = strings.Clone(row.Record), bytes.Clone(row.Value)
			c.row, size = &row, size+len(row.Value)
		}
	}
	return more, nil
}
