package sqlite_test

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// start opens a store and runs its writer until the test ends.
func start(t testing.TB, path string, opts ...sqlite.Option) *sqlite.Store {
	t.Helper()
	s, _ := startStop(t, path, opts...)
	return s
}

// startStop is start with a function that stops and closes the store.
func startStop(t testing.TB, path string, opts ...sqlite.Option) (*sqlite.Store, func()) {
	t.Helper()
	s, err := sqlite.Open(path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return s, stop
}

func file(t testing.TB) string { return filepath.Join(t.TempDir(), "history.db") }

// batch makes entries with the sequences from first on. It follows the batch before.
func batch(first uint64, entries ...sinks.Entry) *sinks.Batch {
	for i := range entries {
		entries[i].Sequence = first + uint64(i)
	}
	b := &sinks.Batch{Entries: entries, Checkpoint: history.Position{Log: "log", Sequence: first + uint64(len(entries)) - 1}}
	if first > 1 {
		b.Previous = history.Position{Log: "log", Sequence: first - 1}
	}
	return b
}

func entry(record string, ms int64, value string) sinks.Entry {
	return sinks.Entry{Record: record, Time: ms, Value: []byte(value)}
}

func write(t testing.TB, s *sqlite.Store, b *sinks.Batch) {
	t.Helper()
	if err := sinktest.Append(t.Context(), s, b); err != nil {
		t.Fatal(err)
	}
}

// texts collects rows as "record time value".
func texts(t testing.TB, seq iter.Seq2[history.Row, error]) []string {
	t.Helper()
	var all []string
	for row, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %d %s", row.Record, row.Time, row.Value))
	}
	return all
}

func pattern(t testing.TB, text string) key.Pattern {
	t.Helper()
	p, err := key.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// Rows of one record lie side by side, so that reading them touches few pages.
func TestABatchIsStoredRecordByRecord(t *testing.T) {
	s := start(t, file(t))
	write(t, s, batch(1, entry("b", 1, "1"), entry("a", 1, "2"), entry("b", 1, "3"), entry("a", 0, "4")))
	same(t, texts(t, s.Rows(t.Context(), pattern(t, "#"), history.Window{}, 0)), "a 1 2", "a 0 4", "b 1 1", "b 1 3")
	same(t, texts(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, "b"), Limit: 1})), "b 1 3")
}

func TestPositionAfterARestart(t *testing.T) {
	path := file(t)
	s, stop := startStop(t, path)
	write(t, s, batch(1, entry("a", 1, "1"), entry("a", 2, "2")))
	stop()
	s = start(t, path)
	write(t, s, batch(3, entry("a", 3, "3")))
	same(t, texts(t, s.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, "a")})), "a 1 1", "a 2 2", "a 3 3")
	c, err := s.Checkpoint(t.Context())
	if err != nil || c != (history.Position{Log: "log", Sequence: 3}) {
		t.Errorf("checkpoint %v, %v", c, err)
	}
	p, err := s.Position(t.Context())
	if err != nil || p != (history.Snapshot{Identity: s.Identity(), Position: history.Position{Log: "log", Sequence: 3}, MaxID: 3}) {
		t.Errorf("position %v, %v", p, err)
	}
}
