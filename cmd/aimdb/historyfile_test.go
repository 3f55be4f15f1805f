package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// base is the time of the first row of a history made by historyFile.
const base = 1_700_000_000_000

// historyFile makes a history with rows of three records in turn, a second
// apart, and returns its path.
func historyFile(t *testing.T, rows int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.db")
	var entries []sinks.Entry
	for i := range rows {
		entries = append(entries, sinks.Entry{
			Sequence: uint64(i + 1), Record: []string{"a::x", "a::y", "b"}[i%3], Time: base + int64(i)*1000,
			Value: fmt.Appendf(nil, `{"n":%d,"text":"comma, \"quote\" & <tag>"}`, i),
		})
	}
	fillHistory(t, path, entries)
	return path
}

// perBatch is how many rows of a history made by fillHistory are one batch,
// within which they are not stored in the order of their times.
const perBatch = 600

// fillHistory makes a history of some rows.
func fillHistory(t *testing.T, path string, entries []sinks.Entry) {
	t.Helper()
	withStore(t, path, func(s *sqlite.Store) {
		for some := range slices.Chunk(entries, perBatch) {
			last := some[len(some)-1].Sequence
			if err := sinktest.Append(t.Context(), s, &sinks.Batch{Entries: some, Checkpoint: history.Position{Log: "test", Sequence: last}}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// withStore opens a history and runs its writer meanwhile.
func withStore(t *testing.T, path string, do func(*sqlite.Store)) {
	t.Helper()
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	do(s)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
