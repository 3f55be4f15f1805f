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

	"github.com/aimdb-go/aimdb/records"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// The benchmarks make a file of AIMDB_BENCH_ROWS rows, 1 M if that is not set,
// in 100 records. BenchmarkHistory reads the file named by AIMDB_BENCH_FILE
// instead if that is set; `make history-10m` makes one.

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
	out := &sinks.Batch{Checkpoint: sinks.Checkpoint{Log: "bench", Sequence: uint64(from + size - 1)}}
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
	all, one := records.WirePattern("#"), records.WirePattern("accuracy::city042")
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
	typed := func(b *testing.B, q records.RangeQuery) (n int) {
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
	latest := func(b *testing.B, p records.Pattern, limit, want int) {
		for b.Loop() {
			n := 0
			for _, err := range s.Latest(b.Context(), records.LatestQuery{Pattern: p, Limit: limit}) {
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
			q := records.RangeQuery{Pattern: one, Window: records.Window{Start: &start}, Total: 100}
			if n := typed(b, q); n != 100 {
				b.Fatalf("%d rows", n)
			}
		}
	})
	b.Run("scan/one/typed", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n += typed(b, records.RangeQuery{Pattern: one})
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("scan/one/bare", func(b *testing.B) {
		n := 0
		for b.Loop() {
			rows, err := db.Query("SELECT record_name, value_json, stored_at FROM record_history WHERE record_name = 'accuracy::city042' ORDER BY stored_at")
			n += drain(b, rows, err)
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("scan/all/typed", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n += typed(b, records.RangeQuery{Pattern: all})
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("scan/all/bare", func(b *testing.B) {
		n := 0
		for b.Loop() {
			rows, err := db.Query("SELECT record_name, value_json, stored_at FROM record_history ORDER BY id")
			n += drain(b, rows, err)
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	})
}

// BenchmarkScan reads all rows of one record through the store, decoded, and
// through the driver, in the same order.
func BenchmarkScan(b *testing.B) {
	rows := benchRows(b)
	path := file(b)
	s := start(b, path)
	const size = 4096
	for n := 1; n <= rows; n += size {
		part := benchBatch(n, min(size, rows-n+1))
		for i := range part.Entries {
			part.Entries[i].Record = "accuracy::vienna"
		}
		write(b, s, part)
	}
	check := func(b *testing.B, n int) {
		if n != rows {
			b.Fatalf("%d rows of %d", n, rows)
		}
	}
	b.Run("typed", func(b *testing.B) {
		for b.Loop() {
			n := 0
			for row, err := range s.Range(b.Context(), records.RangeQuery{Pattern: records.WirePattern("accuracy::vienna")}) {
				var v validation
				if err == nil {
					err = json.Unmarshal(row.Value, &v)
				}
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			check(b, n)
		}
	})
	b.Run("bare", func(b *testing.B) {
		db := bare(b, path, "")
		for b.Loop() {
			n := 0
			found, err := db.Query("SELECT id, value_json, stored_at FROM record_history WHERE record_name = 'accuracy::vienna' ORDER BY stored_at")
			if err != nil {
				b.Fatal(err)
			}
			for found.Next() {
				var id, at int64
				var value string
				if err := found.Scan(&id, &value, &at); err != nil {
					b.Fatal(err)
				}
				n++
			}
			_ = found.Close()
			check(b, n)
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
	b.Run("queried", func(b *testing.B) {
		s := start(b, file(b))
		write(b, s, benchBatch(1, size))
		ctx, cancel := context.WithCancel(b.Context())
		queries := make(chan int)
		go func() { queries <- ask(ctx, s) }()
		n := 1 + size
		for b.Loop() {
			write(b, s, benchBatch(n, size))
			n += size
		}
		b.ReportMetric(float64(n-1)/b.Elapsed().Seconds(), "rows/s")
		elapsed := b.Elapsed()
		cancel()
		b.ReportMetric(float64(<-queries)/elapsed.Seconds(), "queries/s")
	})
}

// ask queries for the latest row of one record a thousand times a second.
func ask(ctx context.Context, s *sqlite.Store) (queries int) {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for began := time.Now(); ; {
		select {
		case <-ctx.Done():
			return queries
		case <-ticker.C:
		}
		for queries < int(time.Since(began)/time.Millisecond) {
			p := records.WirePattern(fmt.Sprintf("accuracy::city%03d", queries%benchRecords))
			for range s.Latest(ctx, records.LatestQuery{Pattern: p, Limit: 1}) {
			}
			queries++
		}
	}
}

// BenchmarkPrune prunes half of a file while 5 k values a second are written,
// and the same rows with one DELETE while nothing else goes on. It does so once
// whatever b.N is.
func BenchmarkPrune(b *testing.B) {
	rows := benchRows(b)
	cut := int64(rows/2+1) * 1000
	b.Run("store", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			s := start(b, file(b))
			fill(b, s, rows)
			before := size(b, s)
			ctx, cancel := context.WithCancel(b.Context())
			waits := make(chan []time.Duration)
			go func() { waits <- trickle(ctx, b, s, rows+1) }()
			keep := make([]records.Keep, benchRecords)
			for i := range keep {
				keep[i] = records.Keep{Record: fmt.Sprintf("accuracy::city%03d", i), Before: cut}
			}
			b.StartTimer()
			report, err := s.Prune(b.Context(), records.PrunePlan{Keep: keep})
			b.StopTimer()
			cancel()
			all := <-waits
			if err != nil || report.Rows != int64(rows/2) {
				b.Fatalf("%d rows, %v", report.Rows, err)
			}
			slices.Sort(all)
			b.ReportMetric(float64(report.Rows)/float64(report.DeletingMS)*1000, "rows/s")
			b.ReportMetric(float64(report.ShrinkingMS)/float64(report.DeletingMS), "shrink/delete")
			b.ReportMetric(float64(all[len(all)*999/1000].Microseconds())/1000, "p99.9-ms")
			b.ReportMetric(float64(all[len(all)-1].Microseconds())/1000, "worst-ms")
			b.ReportMetric(float64(size(b, s))/float64(before), "size-ratio")
			b.StartTimer()
		}
	})
	b.Run("delete", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			s, stop := startStop(b, file(b))
			fill(b, s, rows)
			stop()
			db := bare(b, s.Path(), "")
			b.StartTimer()
			began := time.Now()
			if _, err := db.Exec("DELETE FROM record_history WHERE stored_at < ?", cut); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(rows/2)/time.Since(began).Seconds(), "rows/s")
		}
	})
}

func size(b *testing.B, s *sqlite.Store) int64 {
	st, err := s.Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return st.FileBytes
}

// trickle writes 5 k values a second, as they come, and returns how long each
// commit took.
func trickle(ctx context.Context, b *testing.B, s *sqlite.Store, next int) (waits []time.Duration) {
	began, first := time.Now(), next
	for ctx.Err() == nil {
		due := first + int(time.Since(began).Seconds()*5000)
		if due == next {
			time.Sleep(time.Millisecond)
			continue
		}
		at := time.Now()
		if err := s.Write(context.WithoutCancel(ctx), benchBatch(next, due-next)); err != nil {
			b.Error(err)
			break
		}
		waits = append(waits, time.Since(at))
		next = due
	}
	return waits
}
