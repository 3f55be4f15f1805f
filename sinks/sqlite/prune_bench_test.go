package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// BenchmarkPrune prunes half of a file while 5 k values a second are written,
// and the same rows with one DELETE while nothing else goes on.
func BenchmarkPrune(b *testing.B) {
	b.Run("store", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			path, cut, half := benchCopy(b)
			s, stop := startStop(b, path)
			before := size(b, s)
			ctx, cancel := context.WithCancel(b.Context())
			waits := make(chan []time.Duration)
			go func() { waits <- trickle(ctx, b, s, cut) }()
			keep := make([]history.Keep, benchRecords)
			for i := range keep {
				keep[i] = history.Keep{Record: fmt.Sprintf("accuracy::city%03d", i), Before: cut}
			}
			b.StartTimer()
			report, err := s.Prune(b.Context(), history.PrunePlan{Keep: keep})
			b.StopTimer()
			cancel()
			all := <-waits
			if err != nil || report.Rows != half {
				b.Fatalf("%d rows of %d, %v", report.Rows, half, err)
			}
			slices.Sort(all)
			b.ReportMetric(float64(report.Rows)/float64(report.DeletingMS)*1000, "rows/s")
			b.ReportMetric(float64(report.ShrinkingMS)/float64(report.DeletingMS), "shrink/delete")
			b.ReportMetric(float64(all[len(all)*999/1000].Microseconds())/1000, "p99.9-ms")
			b.ReportMetric(float64(all[len(all)-1].Microseconds())/1000, "worst-ms")
			b.ReportMetric(float64(size(b, s))/float64(before), "size-ratio")
			stop()
			b.StartTimer()
		}
	})
	b.Run("delete", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			path, cut, half := benchCopy(b)
			db := bare(b, path, "")
			b.StartTimer()
			began := time.Now()
			result, err := db.Exec("DELETE FROM record_history WHERE stored_at < ?", cut)
			if err != nil {
				b.Fatal(err)
			}
			took := time.Since(began)
			if n, err := result.RowsAffected(); n != half {
				b.Fatalf("%d rows of %d, %v", n, half, err)
			}
			b.ReportMetric(float64(half)/took.Seconds(), "rows/s")
		}
	})
	b.Run("idle", func(b *testing.B) { // the same commits with nothing beside them
		for b.Loop() {
			s, stop := startStop(b, file(b))
			ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
			all := trickle(ctx, b, s, 0)
			cancel()
			slices.Sort(all)
			b.ReportMetric(float64(all[len(all)*999/1000].Microseconds())/1000, "p99.9-ms")
			b.ReportMetric(float64(all[len(all)-1].Microseconds())/1000, "worst-ms")
			stop()
		}
	})
}

// benchCopy returns a file of its own, the time in its middle and the number
// of rows before that.
func benchCopy(b *testing.B) (path string, cut, half int64) {
	b.Helper()
	path = file(b)
	if from := os.Getenv("AIMDB_BENCH_FILE"); from != "" {
		copyFile(b, from, path)
	} else {
		s, stop := startStop(b, path)
		fill(b, s, benchRows(b))
		stop()
	}
	s, err := sqlite.OpenReadOnly(path)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	stats, err := s.Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	rows, first := int64(0), int64(math.MaxInt64)
	for _, r := range stats.Records {
		rows, first = rows+r.Rows, min(first, r.FirstTime)
	}
	half = rows / 2
	return path, first + half*1000, half // rows are a second apart
}

func size(b *testing.B, s *sqlite.Store) int64 {
	st, err := s.Stats(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	return st.Bytes
}

// trickle writes 5 k values a second with times after base, as they come, and
// returns how long each commit took.
func trickle(ctx context.Context, b *testing.B, s *sqlite.Store, base int64) (waits []time.Duration) {
	trickled, err := s.Checkpoint(ctx)
	if err != nil {
		b.Error(err)
	}
	began, next := time.Now(), 1
	for ctx.Err() == nil {
		due := 1 + int(time.Since(began).Seconds()*5000)
		if due == next {
			time.Sleep(time.Millisecond)
			continue
		}
		batch := benchBatch(next, due-next)
		batch.Checkpoint.Log = "trickle"
		batch.Previous = trickled
		for i := range batch.Entries {
			batch.Entries[i].Time += base
		}
		at := time.Now()
		if err := s.Write(context.WithoutCancel(ctx), batch); err != nil {
			b.Error(err)
			break
		}
		trickled = batch.Checkpoint
		waits = append(waits, time.Since(at))
		next = due
	}
	return waits
}

func copyFile(b *testing.B, from, to string) {
	b.Helper()
	in, err := os.Open(from)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		b.Fatal(err)
	}
	if _, err = io.Copy(out, in); err == nil {
		err = out.Sync() // not part of what is measured next
	}
	if err := errors.Join(err, out.Close()); err != nil {
		b.Fatal(err)
	}
}
