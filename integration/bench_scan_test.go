package integration

import (
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

const scanned = "plant::boiler"

// BenchmarkScan reads a record of AIMDB_BENCH_ROWS rows, 1 M if that is not
// set, as typed rows through the Go API, and as strings through the bare
// driver, in the same order. The target is 0.7 x-driver.
func BenchmarkScan(b *testing.B) {
	rows := benchRows(b)
	path := filepath.Join(b.TempDir(), "history.db")
	fillRecord(b, path, rows)
	store, err := sqlite.OpenReadOnly(path)
	if err != nil {
		b.Fatal(err)
	}
	db, err := aimdb.New(aimdb.Name("bench"), aimdb.WithPersistence(store, 0))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	bare, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = bare.Close() })
	inTurns(b, rows, "rows/s",
		func() { scanTyped(b, db, rows) },
		yardstick{"driver", func() { scanBare(b, bare, rows) }})
}

// benchRows is AIMDB_BENCH_ROWS, or 1 M.
func benchRows(b *testing.B) int {
	text := os.Getenv("AIMDB_BENCH_ROWS")
	if text == "" {
		return 1_000_000
	}
	rows, err := strconv.Atoi(text)
	if err != nil {
		b.Fatalf("AIMDB_BENCH_ROWS: %v", err)
	}
	return rows
}

func scanTyped(b *testing.B, db *aimdb.DB, rows int) {
	all, err := aimdb.RangeRows[sample](b.Context(), db, scanned, time.Time{}, time.Time{})
	if err != nil {
		b.Fatal(err)
	}
	n, first := 0, sampled(0).N
	for row, err := range all {
		if err != nil || row.Value.N != first+n {
			b.Fatalf("row %d is %+v (%v)", n, row, err)
		}
		n++
	}
	if n != rows {
		b.Fatalf("%d rows of %d", n, rows)
	}
}

func scanBare(b *testing.B, db *sql.DB, rows int) {
	found, err := db.Query("SELECT id, value_json, stored_at FROM record_history WHERE record_name = ? ORDER BY stored_at LIMIT ?", scanned, rows)
	if err != nil {
		b.Fatal(err)
	}
	defer found.Close()
	n := 0
	for ; found.Next(); n++ {
		var id, at int64
		var value string
		if err := found.Scan(&id, &value, &at); err != nil {
			b.Fatal(err)
		}
	}
	if err := found.Err(); err != nil || n != rows {
		b.Fatalf("%d rows of %d (%v)", n, rows, err)
	}
}

// fillRecord makes a history with rows of one record, a second apart.
func fillRecord(b *testing.B, path string, rows int) {
	b.Helper()
	s, err := sqlite.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	const size = 4096
	for first := 0; first < rows && err == nil; first += size {
		batch := &sinks.Batch{Checkpoint: history.Position{Log: "bench", Sequence: uint64(min(first+size, rows))}}
		for n := first; n < min(first+size, rows); n++ {
			value, _ := json.Marshal(sampled(n)) // a struct of plain fields
			batch.Entries = append(batch.Entries, sinks.Entry{Sequence: uint64(n + 1), Record: scanned, Time: int64(n) * 1000, Value: value})
		}
		err = sinktest.Append(ctx, s, batch)
	}
	stop()
	if failed := <-ended; err == nil {
		err = failed
	}
	if failed := s.Close(); err == nil {
		err = failed
	}
	if err != nil {
		b.Fatal(err)
	}
}
