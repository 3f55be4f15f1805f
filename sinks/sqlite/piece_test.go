package sqlite_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/records"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// A sweep takes over what it has written, and leaves the write-ahead log to the
// commits again when it ends, however it does.
func TestASweepKeepsTheWriteAheadLogSmall(t *testing.T) {
	s := start(t, file(t))
	value := `"` + strings.Repeat("x", 3000) + `"`
	for n := range 50 { // 19 MB
		var entries []sinks.Entry
		for range 128 {
			entries = append(entries, entry("big", int64(n), value))
		}
		write(t, s, batch(uint64(n*128+1), entries...))
	}
	usual := s.AutoCheckpoint(t)
	keep := func(before int64) records.PrunePlan {
		return records.PrunePlan{Keep: []records.Keep{{Record: "big", Before: before}}}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := s.Prune(ended, keep(10)); err == nil {
		t.Error("a sweep that was ended before it began has no error")
	}
	report, err := s.Prune(t.Context(), keep(45))
	if err != nil || report.Rows == 0 || report.FreedBytes < 14<<20 {
		t.Fatalf("%+v, %v", report, err)
	}
	if stats, err := s.Stats(t.Context()); err != nil || stats.WALBytes > 16<<20 {
		t.Errorf("the write-ahead log has %d bytes (%v)", stats.WALBytes, err)
	}
	if now := s.AutoCheckpoint(t); now != usual || now == 0 {
		t.Errorf("commits take over %d pages now and %d before", now, usual)
	}
}

// Where Litestream takes the log over, a sweep leaves it alone too.
func TestASweepLeavesTheLogToLitestream(t *testing.T) {
	s := start(t, file(t), sqlite.Litestream())
	write(t, s, batch(1, numbered(2000)...))
	if _, err := s.Prune(t.Context(), records.PrunePlan{Keep: []records.Keep{{Record: "r3", Before: 1 << 40}}}); err != nil {
		t.Fatal(err)
	}
	if frames := s.AutoCheckpoint(t); frames != 0 {
		t.Errorf("commits take over %d pages", frames)
	}
}
