package sqlite

import (
	"context"

	"github.com/aimdb-go/aimdb/history"
)

// FileStats describes what only a SQLite file has.
type FileStats = history.FileStats

// FileStats describes the file.
func (s *Store) FileStats(ctx context.Context) (st FileStats, err error) {
	p, err := s.pages(ctx)
	if err != nil {
		return st, err
	}
	st = FileStats{FreeBytes: p.free * p.size, WALBytes: s.walSize(), WALStuck: s.walStuck.Load()}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	var vacuum int
	err = s.readers.QueryRowContext(ctx, "PRAGMA auto_vacuum").Scan(&vacuum)
	st.Shrinks = vacuum != 0
	return st, s.readError("read whether the file shrinks", err)
}
