package sqlite_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// A sweep takes over what it has written, and leaves the write-ahead log to the
// commits again when it ends, however it does.
func TestASweepKeepsTheWriteAheadLogSmall(t *testing.T) {
	t.Parallel()
	s := start(t, file(t), sqlite.SweepFrames(200))
	value := `"` + strings.Repeat("x", 300) + `"`
	const batches, rows = 400, 64
	for n := range batches { // of two records, so that half of each page goes
		var entries []sinks.Entry
		for i := range rows {
			entries = append(entries, entry([]string{"big", "stays"}[i%2], int64(n), value))
		}
		write(t, s, batch(uint64(n*rows+1), entries...))
	}
	usual := s.AutoCheckpoint(t)
	keep := func(before int64) history.PrunePlan {
		return history.PrunePlan{Keep: []history.Keep{{Record: "big", Before: before}}}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := s.Prune(ended, keep(10)); err == nil {
		t.Error("a sweep that was ended before it began has no error")
	}
	report, err := s.Prune(t.Context(), keep(batches))
	if err != nil || report.Rows != batches*rows/2 {
		t.Fatalf("%+v, %v", report, err)
	}
	stats, err := s.FileStats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the sweep left a write-ahead log of %d bytes", stats.WALBytes)
	if stats.WALBytes > 6<<20 {
		t.Errorf("the write-ahead log has %d bytes", stats.WALBytes)
	}
	if now := s.AutoCheckpoint(t); now != usual || now == 0 {
		t.Errorf("commits take over %d pages now and %d before", now, usual)
	}
}

// Where Litestream takes the log over, a sweep leaves it alone too.
func TestASweepLeavesTheLogToLitestream(t *testing.T) {
	s := start(t, file(t), sqlite.Litestream())
	write(t, s, batch(1, numbered(2000)...))
	if _, err := s.Prune(t.Context(), history.PrunePlan{Keep: []history.Keep{{Record: "r3", Before: 1 << 40}}}); err != nil {
		t.Fatal(err)
	}
	if frames := s.AutoCheckpoint(t); frames != 0 {
		t.Errorf("commits take over %d pages", frames)
	}
}
