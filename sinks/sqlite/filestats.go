package sqlite

import "context"

// FileStats describes what only a SQLite file has.
type FileStats struct {
	// FreeBytes is the free space inside the file, and WALBytes the size of the
	// write-ahead log beside it.
	FreeBytes int64 `json:"free_bytes"`
	WALBytes  int64 `json:"wal_bytes"`
	// WALStuck reports that the write-ahead log has grown past its limit because
	// a reader keeps it from being checkpointed.
	WALStuck bool `json:"wal_stuck"`
	// Shrinks reports whether the file can give space back while it is in use.
	Shrinks bool `json:"shrinks"`
}

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
