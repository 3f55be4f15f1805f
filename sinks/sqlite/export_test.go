package sqlite

import (
	"context"
	"database/sql"
	"math"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// LimitPages makes the file as full as a disk can be, as far as SQLite is
// concerned, and returns the limit before; 0 stands for the present size.
func (s *Store) LimitPages(t *testing.T, limit int64) (before int64) {
	t.Helper()
	err := s.ask(t.Context(), s.background, func(ctx context.Context, w *writer) error {
		if err := w.conn.QueryRowContext(ctx, "PRAGMA max_page_count").Scan(&before); err != nil {
			return err
		}
		var now int64
		return w.conn.QueryRowContext(ctx, "PRAGMA max_page_count = "+itoa(max(limit, 1))).Scan(&now)
	})
	if err != nil {
		t.Fatal(err)
	}
	return before
}

// VFS opens the file through another file system layer of SQLite.
func VFS(name string) Option { return func(o *options) { o.vfs = name } }

// HoldSweep keeps sweeps from starting until release is called, as one that
// takes long does.
func (s *Store) HoldSweep(t *testing.T) (release func()) {
	t.Helper()
	release, err := s.holdSweep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return release
}

// PruneWhile deletes the rows of a record, and between reading which they are and
// deleting them lets something happen.
func (s *Store) PruneWhile(t *testing.T, record string, between func()) (rows int64) {
	t.Helper()
	total := rowCounts{}
	d, err := s.readByRecord(t.Context(), record, "TRUE", firstPoint, timeSpan{math.MinInt64, math.MaxInt64, math.MinInt64, math.MaxInt64}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	between()
	if err := s.delete(t.Context(), d, newStepSize(1, 1, 1), total); err != nil {
		t.Fatal(err)
	}
	return total[record].rows
}

// DeleteRecord deletes the rows of a record as the sweep that HoldSweep began
// does.
func (s *Store) DeleteRecord(t *testing.T, record string) error {
	t.Helper()
	d, err := s.readByRecord(t.Context(), record, "TRUE", firstPoint, timeSpan{math.MinInt64, math.MaxInt64, math.MinInt64, math.MaxInt64}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return s.delete(t.Context(), d, newStepSize(1, 1, 1), rowCounts{})
}

// SweepFrames sets at how many pages a sweep takes the write-ahead log over.
func SweepFrames(n int) Option { return func(o *options) { o.sweepFrames = n } }

// AutoCheckpoint returns the number of pages at which a commit takes the
// write-ahead log over.
func (s *Store) AutoCheckpoint(t *testing.T) (frames int) {
	t.Helper()
	err := s.ask(t.Context(), s.background, func(ctx context.Context, w *writer) error {
		return w.conn.QueryRowContext(ctx, "PRAGMA wal_autocheckpoint").Scan(&frames)
	})
	if err != nil {
		t.Fatal(err)
	}
	return frames
}

// SetReadTimeout changes the deadline of each read transaction.
func (s *Store) SetReadTimeout(d time.Duration) { s.options.readTimeout = d }

// HoldReaders takes all reading connections, as queries that do not end do.
func (s *Store) HoldReaders(t *testing.T) (release func()) {
	t.Helper()
	var held []*sql.Conn
	for range s.options.readers {
		conn, err := s.readers.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, conn)
	}
	return func() {
		for _, conn := range held {
			_ = conn.Close() // goes back to the pool
		}
	}
}

// WALLimitOf returns the limit that options come to.
func WALLimitOf(opts ...Option) int64 { return defaults(opts).walLimit }

// FormatCheckpoint returns the copy of a checkpoint.
func FormatCheckpoint(p history.Position) string {
	text, _ := formatCheckpoint(p)
	return text
}

// ParseCheckpoint reads it.
func ParseCheckpoint(text string) (history.Position, bool) { return parseCheckpoint(text) }
