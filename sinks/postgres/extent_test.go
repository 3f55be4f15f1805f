package postgres_test

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// TestTheWholeLimitCountsWhatIsInUse: values that PostgreSQL compresses, or not, make room
// once, though the files of partitions that stay do not shrink.
func TestTheWholeLimitCountsWhatIsInUse(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 15_000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	for name, c := range map[string]struct {
		value string
		step  int64 // time between two rows
		rows  int
	}{
		"small":                   {"12.5", 1000, 20_000},
		"small, many partitions":  {"12.5", week / 200, 20_000},
		"compressed":              {`"` + strings.Repeat("abc", 5000) + `"`, 1000, 4000},
		"large":                   {`"` + base64.StdEncoding.EncodeToString(noise) + `"`, 1000, 500},
		"large, a few partitions": {`"` + base64.StdEncoding.EncodeToString(noise) + `"`, week / 100, 500},
		"large, many partitions":  {`"` + base64.StdEncoding.EncodeToString(noise) + `"`, week / 12, 480},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := server.Database(t)
			s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
			defer stop()
			for i := 0; i < c.rows; {
				var rows []history.Row
				for range min(1000, c.rows-i) {
					rows = append(rows, row([]string{"a", "b"}[i%2], 100*week+int64(i)*c.step, c.value))
					i++
				}
				write(t, s, rows...)
			}
			before := ask[int64](t, dsn, "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'aimdb'::regnamespace")
			stats, err := s.Stats(t.Context())
			if err != nil || stats.Bytes != before {
				t.Errorf("the size is %d, %v; want %d", stats.Bytes, err, before)
			}
			plan := history.PrunePlan{MaxBytes: stats.Bytes * 6 / 10}
			preview, err := s.Preview(t.Context(), plan)
			if err != nil {
				t.Fatal(err)
			}
			report, err := s.Prune(t.Context(), plan)
			if err != nil || report.OverBytes != 0 {
				t.Fatalf("%+v, %v", report, err)
			}
			if part := float64(report.Rows) / float64(c.rows); part < 0.2 || part > 0.55 {
				t.Errorf("%d of %d rows went for 6 tenths of the size", report.Rows, c.rows)
			}
			if preview.Rows < report.Rows*7/10 || preview.Rows > report.Rows*13/10 {
				t.Errorf("the preview says %d rows, and %d went", preview.Rows, report.Rows)
			}
			if again, err := s.Prune(t.Context(), plan); err != nil || again.Rows != 0 {
				t.Errorf("a second sweep: %+v, %v", again, err)
			}
			after, err := s.Stats(t.Context())
			if err != nil || report.FreedBytes != 0 && after.Bytes > stats.Bytes-report.FreedBytes*9/10 {
				t.Errorf("%d bytes were freed of %d, and %d are left, %v", report.FreedBytes, stats.Bytes, after.Bytes, err)
			}
			counted(t, s, dsn, int64(c.rows)-report.Rows)
		})
	}
}

// TestManyRecords: more records than one statement reads.
func TestManyRecords(t *testing.T) {
	t.Parallel()
	const records = 1300
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	var rows []history.Row
	for i := range 20 * records { // of some records many, and the old ones are old
		n := i % records * (i / records % 3) / 2
		rows = append(rows, row(fmt.Sprintf("r%04d", n), 100*week+int64(i)*week/1000+int64(n)*week/100, fmt.Sprint(i)))
	}
	write(t, s, rows...)
	byTime := func(a, b history.Row) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Record, b.Record))
	}
	slices.SortStableFunc(rows, byTime) // the writer stores a batch record by record
	same := func(what string, got, want []history.Row) {
		t.Helper()
		if !slices.Equal(texts(got), texts(want)) {
			t.Errorf("%s: %d rows, want %d", what, len(got), len(want))
		}
	}
	same("all", everything(t, s), rows)
	same("some", collect(t, s.Range(t.Context(), history.RangeQuery{Pattern: all, Total: 700})), rows[:700])
	slices.Reverse(rows)
	same("backwards", collect(t, s.Range(t.Context(), history.RangeQuery{Pattern: all, Descending: true})), rows)
	for _, limit := range []int{1, 3, 300} {
		var want []history.Row
		taken := map[string]int{}
		for _, row := range rows {
			if taken[row.Record]++; taken[row.Record] <= limit {
				want = append(want, row)
			}
		}
		slices.SortStableFunc(want, func(a, b history.Row) int { return strings.Compare(a.Record, b.Record) })
		same(fmt.Sprint("latest ", limit), collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: all, Limit: limit})), want)
		same(fmt.Sprint("by storing ", limit), collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: all, Limit: limit, By: history.ByStoring})), want)
	}
}

// TestLargeValues: pages follow the size of the values.
func TestLargeValues(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	value := `"` + strings.Repeat("x", 3<<20) + `"`
	for i := range int64(4) {
		var rows []history.Row
		for n := range int64(10) {
			rows = append(rows, row(fmt.Sprint("r", n%4), 10*i+n, value))
		}
		write(t, s, rows...)
	}
	for name, seq := range map[string]func(func(history.Row, error) bool){
		"range":  s.Range(t.Context(), history.RangeQuery{Pattern: all}),
		"latest": s.Latest(t.Context(), history.LatestQuery{Pattern: all, Limit: 100}),
		"one":    s.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, "r1"), PerRecord: 12}),
	} {
		n := 0
		for row, err := range seq {
			if err != nil || len(row.Value) != len(value) {
				t.Fatal(name, len(row.Value), err)
			}
			n++
		}
		if want := map[string]int{"range": 40, "latest": 40, "one": 12}[name]; n != want {
			t.Errorf("%s: %d rows, want %d", name, n, want)
		}
	}
}
