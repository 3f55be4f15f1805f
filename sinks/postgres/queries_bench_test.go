package postgres_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

const (
	benchRecords = 100
	// benchStart is a Thursday, on which partitions of a week begin.
	benchStart = int64(2800 * 7 * 24 * 3600 * 1000)
	benchSpan  = int64(52 * 7 * 24 * 3600 * 1000)
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

// filled opens a history of a number of rows of 100 records over a year.
func filled(t testing.TB, rows int) (s *postgres.Store, dsn string) {
	t.Helper()
	dsn = server.Database(t)
	s = open(t, postgres.Config{DSN: dsn, Logger: quiet()})
	fill(t, dsn, rows)
	if _, err := s.Stats(t.Context()); err != nil { // which counts the rows
		t.Fatal(err)
	}
	return s, dsn
}

// fill copies rows into a history of no rows, in the order of their times.
func fill(t testing.TB, dsn string, rows int) {
	t.Helper()
	const week = 7 * 24 * 3600 * 1000
	for start := benchStart; start < benchStart+benchSpan; start += week {
		exec(t, dsn, fmt.Sprintf("CREATE TABLE record_history_%d PARTITION OF record_history FOR VALUES FROM (%[1]d) TO (%d)", start, start+week))
	}
	conn := connect(t, dsn)
	defer conn.Close(context.Background())
	next := 0
	_, err := conn.CopyFrom(t.Context(), pgx.Identifier{"record_history"}, []string{"id", "record_name", "value_json", "stored_at"}, pgx.CopyFromFunc(func() ([]any, error) {
		if next == rows {
			return nil, nil
		}
		i := next
		next++
		return []any{int64(next), fmt.Sprintf("plant.sensor%02d", i%benchRecords), fmt.Sprintf(`{"celsius":%d.5}`, i%90), benchStart + benchSpan*int64(i)/int64(rows)}, nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	exec(t, dsn, fmt.Sprintf("UPDATE aimdb_checkpoint SET next_id = %d", rows+1))
	exec(t, dsn, "VACUUM ANALYZE record_history")
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

// measure reports how long a query takes, which has some rows.
func measure(b *testing.B, rows int, query func() int) {
	for b.Loop() {
		if got := query(); got < rows-1 || got > rows {
			b.Fatalf("%d rows, want %d", got, rows)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/query")
}
