package integration

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
)

// BenchmarkVisible writes 1,000 values/s and measures the time from Produce to
// where QueryLatest has the value; the query that asks is part of it. Its
// targets are 5 ms for the median and 25 ms for one in a hundred. x-commit
// compares the median with a commit of one row by the bare driver, which as
// many are made of as there is time for; of these ms-p99-commit is one in a
// hundred. Where that is far from the median, the disk is what is measured.
func BenchmarkVisible(b *testing.B) {
	s := serveFor(b, 1, []aimdb.RecordOption{aimdb.Ring(1024), aimdb.Persist()})
	bare := openBare(b)
	var took, commits []float64
	for b.Loop() {
		for began := time.Now(); time.Since(began) < 3*time.Second; {
			commits = append(commits, timed(func() { bare.commit(b) }).Seconds())
		}
		took = append(took, visible(b, s)...)
	}
	b.ReportMetric(0, "ns/op") // a turn is no operation
	b.ReportMetric(1e3*median(took), "ms-median")
	b.ReportMetric(1e3*quantile(took, 0.99), "ms-p99")
	b.ReportMetric(median(took)/median(commits), "x-commit")
	b.ReportMetric(1e3*quantile(commits, 0.99), "ms-p99-commit")
	b.ReportMetric(1e3*quantile(commits, 1), "ms-worst-commit")
	b.ReportMetric(1e3*quantile(took, 1), "ms-worst")
}

// visible returns the seconds that each value took.
func visible(b *testing.B, s *served) (took []float64) {
	const values, pace, look = 3000, time.Millisecond, 200 * time.Microsecond
	sent := make([]atomic.Int64, values+1)
	record := s.records[0]
	first := sampled(0).N
	go func() {
		next := time.Now()
		for n := 1; n <= values; n++ {
			next = next.Add(pace)
			time.Sleep(time.Until(next))
			sent[n].Store(time.Now().UnixNano())
			record.Produce(sampled(n))
		}
	}()
	for seen := 0; seen < values; time.Sleep(look) {
		rows, err := aimdb.QueryLatest[sample](b.Context(), s.DB, record.Key(), 1)
		if err != nil {
			b.Fatal(err)
		}
		now := time.Now().UnixNano()
		if len(rows) == 0 || rows[0].Value.N-first == values && seen == 0 {
			continue // nothing, or only the last value of the turn before
		}
		for ; seen < rows[0].Value.N-first; seen++ {
			took = append(took, time.Duration(now-sent[seen+1].Load()).Seconds())
		}
	}
	return took
}
