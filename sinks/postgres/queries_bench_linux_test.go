package postgres_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// benchRows is the number of rows that the benchmarks read from: a million, or what the
// environment says.
func benchRows(b *testing.B) int {
	text := os.Getenv("AIMDB_PG_ROWS")
	if text == "" {
		return 1_000_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal("AIMDB_PG_ROWS: ", err)
	}
	return n
}

// BenchmarkLatest1of100 reads the last row of each of 100 records. The target is 10 ms at
// a million rows, and at most twice as much at ten million.
func BenchmarkLatest1of100(b *testing.B) {
	s, _ := filled(b, benchRows(b))
	q := history.LatestQuery{Pattern: key.WirePattern("#"), Limit: 1}
	measure(b, benchRecords, func() int { return len(collect(b, s.Latest(b.Context(), q))) })
}

// BenchmarkRange100 reads 100 rows of one record, from places all over the history. The
// target is 2 ms at ten million rows.
func BenchmarkRange100(b *testing.B) {
	s, _ := filled(b, benchRows(b))
	for _, open := range []bool{false, true} {
		b.Run(fmt.Sprint("open=", open), func(b *testing.B) {
			n := int64(0)
			measure(b, 100, func() int {
				n++
				start := benchStart + benchSpan/100*(n%90)
				end := start + 100*benchRecords*benchSpan/int64(benchRows(b))
				q := history.RangeQuery{Pattern: key.WirePattern(fmt.Sprintf("plant.sensor%02d", n%benchRecords)), Window: history.Window{Start: &start, End: &end}, Total: 100}
				if open {
					q.Window = history.Window{Start: &start}
				}
				return len(collect(b, s.Range(b.Context(), q)))
			})
		})
	}
}

// measure reports how long a query takes, which has some rows, and how much processor time
// it takes here and in the server.
func measure(b *testing.B, rows int, query func() int) {
	query()
	before := cpu(b, server)
	for b.Loop() {
		if got := query(); got < rows-1 || got > rows {
			b.Fatalf("%d rows, want %d", got, rows)
		}
	}
	b.ReportMetric(spent(b, server, before).Seconds()*1000/float64(b.N), "cpu-ms/query")
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/query")
}
