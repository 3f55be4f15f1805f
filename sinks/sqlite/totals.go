package sqlite

import (
	"context"

	"github.com/aimdb-go/aimdb/history"
)

// Totals returns the sums of the history without reading it: rows of other programs are in
// them once they are counted, which Stats and sweeps do.
func (s *Store) Totals(ctx context.Context) (t history.Totals, err error) {
	if trouble := s.watch.trouble.Load(); trouble != nil {
		return t, *trouble
	}
	p, err := s.pages(ctx)
	if err != nil {
		return t, err
	}
	t.Bytes, t.FreeBytes, t.WALBytes = p.bytes(), p.free*p.size, s.walSize()
	if !s.own || s.version < steppedSince {
		return t, nil
	}
	var notes history.Stats
	if err := s.noteStats(ctx, &notes); err != nil {
		return t, err
	}
	t.LastPrune, t.Lost, t.DeadLetters = notes.LastPrune, notes.Lost, notes.DeadLetters
	ctx, cancel := s.reading(ctx)
	defer cancel()
	err = s.readers.QueryRowContext(ctx, "SELECT coalesce(sum(rows), 0), coalesce(sum(bytes), 0) FROM aimdb_record").Scan(&t.Rows, &t.ValueBytes)
	return t, s.readError("read the counts", err)
}
