package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// another opens a connection of somebody else.
func another(t *testing.T, path string) *sql.Conn {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(); _ = db.Close() })
	return conn
}

func exec(t *testing.T, conn *sql.Conn, statement string) {
	t.Helper()
	if _, err := conn.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// outage checks that a write fails in a way that it will be tried again.
func outage(t *testing.T, s *sqlite.Store, b *sinks.Batch, says string) {
	t.Helper()
	err := s.Write(t.Context(), b)
	if err == nil || sinks.Refused(err) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), s.Path()) {
		t.Fatalf("write: %v", err)
	}
}

func TestLockedFileIsAnOutage(t *testing.T) {
	s := start(t, file(t), sqlite.BusyTimeout(time.Millisecond))
	conn := another(t, s.Path())
	exec(t, conn, "BEGIN IMMEDIATE")
	outage(t, s, batch(1, entry("a", 1, "1")), "locked")
	same(t, everything(t, s)) // readers do not wait
	exec(t, conn, "COMMIT")
	write(t, s, batch(1, entry("a", 1, "1")))
	same(t, everything(t, s), "a 1 1")
}

func TestDeletedFileIsAnOutage(t *testing.T) {
	s := start(t, file(t))
	write(t, s, batch(1, entry("a", 1, "1")))
	if err := os.Rename(s.Path(), s.Path()+".away"); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), batch(2, entry("a", 2, "2"))); !errors.Is(err, sqlite.ErrGone) || sinks.Refused(err) {
		t.Errorf("write: %v", err)
	}
	if err := os.Rename(s.Path()+".away", s.Path()); err != nil {
		t.Fatal(err)
	}
	write(t, s, batch(2, entry("a", 2, "2")))
	same(t, everything(t, s), "a 1 1", "a 2 2")
}

// logged collects log lines; the writer and the test use it.
type logged struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *logged) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.String(), text)
}

func TestStuckReaderRaisesAnAlarmOnce(t *testing.T) {
	var said logged
	s := start(t, file(t), sqlite.WALLimit(100_000), sqlite.Logger(slog.New(slog.NewTextHandler(&said, nil))))
	write(t, s, batch(1, numbered(10)...))
	reader := another(t, s.Path())
	exec(t, reader, "BEGIN")
	var n int
	if err := reader.QueryRowContext(t.Context(), "SELECT count(*) FROM record_history").Scan(&n); err != nil {
		t.Fatal(err)
	}
	for i := range uint64(20) {
		write(t, s, batch(100+i*1000, numbered(1000)...))
	}
	stats, err := s.FileStats(t.Context())
	if err != nil || !stats.WALStuck || stats.WALBytes < 100_000 {
		t.Errorf("stats %+v, %v", stats, err)
	}
	if said.count("reader has kept a transaction open") != 1 {
		t.Errorf("said: %s", said.String())
	}
	exec(t, reader, "COMMIT")
}

// Litestream lets the log grow further than SQLite does, and when that goes on
// for too long no reader is to blame.
func TestAlarmInLitestreamModeNamesLitestream(t *testing.T) {
	if limit := sqlite.WALLimitOf(sqlite.Litestream()); limit < 500_000_000 {
		t.Errorf("the alarm comes at %d bytes; Litestream itself waits for 500 MB", limit)
	}
	var said logged
	s := start(t, file(t), sqlite.Litestream(), sqlite.WALLimit(100_000), sqlite.Logger(slog.New(slog.NewTextHandler(&said, nil))))
	for i := range uint64(20) {
		write(t, s, batch(1+i*1000, numbered(1000)...))
	}
	if said.count("because Litestream does not checkpoint it") != 1 || said.count("reader") != 0 {
		t.Errorf("said: %s", said.String())
	}
}

func TestAnEndedReaderKeepsNothingBack(t *testing.T) {
	s := start(t, file(t), sqlite.Readers(1))
	write(t, s, batch(1, numbered(5000)...))
	all := history.RangeQuery{Pattern: pattern(t, "#")}
	for range s.Range(t.Context(), all) {
		break
	}
	// With one reading connection, this would wait for ever behind a reader
	// that is left open.
	for range s.Range(t.Context(), all) {
		if _, err := s.Position(t.Context()); err != nil {
			t.Fatal(err)
		}
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	var last error
	for _, err := range s.Range(ctx, all) {
		if last = err; err == nil {
			seen++
		}
		if seen == 10 {
			cancel()
		}
	}
	if last == nil && seen < 5000 {
		t.Errorf("a range that was cancelled after %d rows ended without an error", seen)
	}
}

func TestStoppedWriterSaysSo(t *testing.T) {
	s, stop := startStop(t, file(t))
	stop()
	if err := s.Write(t.Context(), batch(1, entry("a", 1, "1"))); !errors.Is(err, sqlite.ErrStopped) {
		t.Errorf("write: %v", err)
	}
}

func TestFullDiskIsAnOutageAndRecovers(t *testing.T) {
	path := file(t)
	s := start(t, path)
	write(t, s, batch(1, numbered(1000)...))
	limit := s.LimitPages(t, 0) // no page more
	outage(t, s, batch(1001, numbered(5000)...), "full")
	same(t, everything(t, s)[:1], "r0 0 {\"n\":0}")
	s.LimitPages(t, limit)
	write(t, s, batch(1001, numbered(5000)...))
	if n := len(everything(t, s)); n != 6000 {
		t.Errorf("%d rows", n)
	}
	report, err := s.Check(t.Context())
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("check: %+v, %v", report, err)
	}
}
