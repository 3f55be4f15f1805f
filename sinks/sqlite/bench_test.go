package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// The benchmarks make a file of AIMDB_BENCH_ROWS rows, 1 M if that is not set,
// in 100 records. BenchmarkHistory reads the file named by AIMDB_BENCH_FILE
// instead if that is set, and BenchmarkPrune a copy of it; `make history-10m`
// makes one.

const benchRecords = 100

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

func benchEntry(n int) sinks.Entry {
	return sinks.Entry{
		Sequence: uint64(n), Record: fmt.Sprintf("accuracy::city%03d", n%benchRecords), Time: int64(n) * 1000,
		Value: fmt.Appendf(nil, `{"city":"city%03d","forecast_celsius":%d.5,"actual_celsius":%d.25,"error_celsius":0.25,"lead_hours":24,"within_tolerance":true,"n":%d}`, n%benchRecords, n%40, n%40, n),
	}
}

func benchBatch(from, size int) *sinks.Batch {
	out := &sinks.Batch{Checkpoint: history.Position{Log: "bench", Sequence: uint64(from + size - 1)}}
	for n := from; n < from+size; n++ {
		out.Entries = append(out.Entries, benchEntry(n))
	}
	return out
}

func fill(b *testing.B, s *sqlite.Store, rows int) {
	b.Helper()
	const size = 4096
	for n := 1; n <= rows; n += size {
		write(b, s, benchBatch(n, min(size, rows-n+1)))
	}
}

func bare(b *testing.B, path, more string) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_busy_timeout=5000&_journal_mode=WAL&_synchronous=FULL"+more)
	if err != nil {
		b.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	b.Cleanup(func() { _ = db.Close() })
	return db
}

// validation is what a typed scan decodes into.
type validation struct {
	City     string  `json:"city"`
	Forecast float64 `json:"forecast_celsius"`
	Actual   float64 `json:"actual_celsius"`
	Error    float64 `json:"error_celsius"`
	Lead     int     `json:"lead_hours"`
	Within   bool    `json:"within_tolerance"`
	N        int     `json:"n"`
}

const window = `SELECT record_name, value_json, stored_at FROM (
	SELECT record_name, value_json, stored_at, ROW_NUMBER() OVER (PARTITION BY record_name ORDER BY stored_at DESC) AS n FROM record_history) WHERE n <= 1`

func BenchmarkHistory(b *testing.B) {
	path := os.Getenv("AIMDB_BENCH_FILE")
	if path == "" {
		path = filepath.Join(b.TempDir(), "history.db")
		s, stop := startStop(b, path)
		fill(b, s, benchRows(b))
		stop()
	}
	s, err := sqlite.OpenReadOnly(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	db := bare(b, path, "")
	all, one := key.WirePattern("#"), key.WirePattern("accuracy::city042")
	first, last := int64(0), int64(0)
	if err := db.QueryRow("SELECT min(stored_at), max(stored_at) FROM record_history WHERE record_name = 'accuracy::city042'").Scan(&first, &last); err != nil {
		b.Fatal(err)
	}

	drain := func(b *testing.B, rows *sql.Rows, err error) (n int) {
		if err != nil {
			b.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var name, value string
			var at int64
			if err := rows.Scan(&name, &value, &at); err != nil {
				b.Fatal(err)
			}
			n++
		}
		return n
	}
	typed := func(b *testing.B, q history.RangeQuery) (n int) {
		for row, err := range s.Range(b.Context(), q) {
			var v validation
			if err == nil {
				err = json.Unmarshal(row.Value, &v)
			}
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		return n
	}
	latest := func(b *testing.B, p key.Pattern, limit, want int) {
		for b.Loop() {
			n := 0
			for _, err := range s.Latest(b.Context(), history.LatestQuery{Pattern: p, Limit: limit}) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			if n != want {
				b.Fatalf("%d rows", n)
			}
		}
	}
	b.Run("latest/all", func(b *testing.B) { latest(b, all, 1, benchRecords) })
	b.Run("latest/window", func(b *testing.B) {
		for b.Loop() {
			rows, err := db.Query(window)
			drain(b, rows, err)
		}
	})
	b.Run("latest/one", func(b *testing.B) { latest(b, one, 1, 1) })
	b.Run("latest/ten", func(b *testing.B) { latest(b, one, 10, 10) })
	b.Run("range/hundred", func(b *testing.B) {
		for b.Loop() {
			start := first + rand.Int64N((last-first)/2)
			q := history.RangeQuery{Pattern: one, Window: history.Window{Start: &start}, Total: 100}
			if n := typed(b, q); n != 100 {
				b.Fatalf("%d rows", n)
			}
		}
	})
}

// BenchmarkWrite compares batches through the store with the multi-row insert
// of the driver that is all that a batch cannot do without.
func BenchmarkWrite(b *testing.B) {
	const size = 4096
	b.Run("store", func(b *testing.B) {
		s := start(b, file(b))
		n := 1
		for b.Loop() {
			write(b, s, benchBatch(n, size))
			n += size
		}
		b.ReportMetric(float64(n-1)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("bare", func(b *testing.B) {
		s, stop := startStop(b, file(b))
		stop()
		db := bare(b, s.Path(), "")
		insert, err := db.Prepare("INSERT INTO record_history(record_name, value_json, stored_at) VALUES (?,?,?)" + strings.Repeat(",(?,?,?)", 255))
		if err != nil {
			b.Fatal(err)
		}
		n := 1
		for b.Loop() {
			tx, err := db.Begin()
			if err != nil {
				b.Fatal(err)
			}
			statement := tx.Stmt(insert)
			for part := range slices.Chunk(benchBatch(n, size).Entries, 256) {
				var args []any
				for _, e := range part {
					args = append(args, e.Record, string(e.Value), e.Time)
				}
				if _, err := statement.Exec(args...); err != nil {
					b.Fatal(err)
				}
			}
			if err := tx.Commit(); err != nil {
				b.Fatal(err)
			}
			n += size
		}
		b.ReportMetric(float64(n-1)/b.Elapsed().Seconds(), "rows/s")
	})
}

// BenchmarkQueried writes flat out, in turns without and with a thousand
// queries a second beside it, and reports the rate with them as a part of the
// rate without. The target is 0.85.
func BenchmarkQueried(b *testing.B) {
	const turns, batches, size = 15, 40, 4096
	s := start(b, file(b))
	n := 1
	flatOut := func() float64 {
		began := time.Now()
		for range batches {
			write(b, s, benchBatch(n, size))
			n += size
		}
		return batches * size / time.Since(began).Seconds()
	}
	var alone, queried, queries []float64
	for b.Loop() {
		flatOut() // the file grows most at first
		for range turns {
			alone = append(alone, flatOut())
			ctx, cancel := context.WithCancel(b.Context())
			asked := make(chan float64)
			go func() { asked <- ask(ctx, s) }()
			queried = append(queried, flatOut())
			cancel()
			queries = append(queries, <-asked)
		}
	}
	b.ReportMetric(0, "ns/op") // a turn is no operation
	b.ReportMetric(median(queried)/median(alone), "x-alone")
	b.ReportMetric(median(queried), "rows/s")
	b.ReportMetric(median(queries), "queries/s")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// ask queries for the latest row of one record a thousand times a second, and
// returns how many it did in a second.
func ask(ctx context.Context, s *sqlite.Store) float64 {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	began, queries := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return float64(queries) / time.Since(began).Seconds()
		case <-ticker.C:
		}
		for queries < int(time.Since(began)/time.Millisecond) {
			p := key.WirePattern(fmt.Sprintf("accuracy::city%03d", queries%benchRecords))
			for range s.Latest(ctx, history.LatestQuery{Pattern: p, Limit: 1}) {
			}
			queries++
		}
	}
}
