package sqlite

import (
	"context"
	"os"
)

// watchGrowth checks the write-ahead log if it is larger than it should be.
func (s *Store) watchGrowth(ctx context.Context) {
	if s.walSize() > s.options.walLimit && !s.walStuck.Load() {
		s.watchWAL(ctx)
	}
}

// watchWAL finds out whether a reader keeps the write-ahead log from being
// checkpointed, logs that once, and truncates the log when it can be. It never
// waits for a reader.
func (s *Store) watchWAL(ctx context.Context) {
	size := s.walSize()
	if size <= s.options.walLimit {
		s.unstick(size)
		return
	}
	if s.options.litestream {
		s.stick(size) // Litestream checkpoints it
		return
	}
	l, err := checkpoint(ctx, s.write.conn, "PASSIVE")
	if err != nil {
		s.options.logger.Warn("the write-ahead log of the history could not be checkpointed", "file", s.path, "error", err)
		return
	}
	if l.moved < l.frames || !s.truncateWAL(ctx) {
		s.stick(size)
		return
	}
	s.unstick(s.walSize())
}

func (s *Store) stick(size int64) {
	cause := "a reader has kept a transaction open; find and end it (another process with the file open?)"
	if s.options.litestream {
		cause = "Litestream does not checkpoint it; see whether it runs and reaches its replica"
	}
	if !s.walStuck.Swap(true) {
		s.options.logger.Warn("the write-ahead log of the history grows because "+cause,
			"file", s.path, "wal_bytes", size, "limit_bytes", s.options.walLimit)
	}
}

func (s *Store) unstick(size int64) {
	if s.walStuck.Swap(false) {
		s.options.logger.Info("the write-ahead log of the history is small again", "file", s.path, "wal_bytes", size)
	}
}

// truncateWAL gives the space of a checkpointed log back, unless a reader uses it at
// this moment.
func (s *Store) truncateWAL(ctx context.Context) bool {
	conn := s.write.conn
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 0"); err != nil {
		return false
	}
	defer func() {
		_, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = "+milliseconds(s.options.busyTimeout))
		if err != nil {
			s.options.logger.Warn("the busy timeout of the writer could not be set again; it does not wait for locks", "file", s.path, "error", err)
		}
	}()
	_, err := checkpoint(ctx, conn, "TRUNCATE")
	return err == nil
}

// walSize is the size of the file of the write-ahead log. To stat it is
// allowed; to open and close it would drop SQLite's locks.
func (s *Store) walSize() int64 {
	info, err := os.Stat(s.path + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}
