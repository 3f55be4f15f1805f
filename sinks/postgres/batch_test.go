package postgres_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// appendTo writes entries of one record with given times after whatever the store has.
func appendTo(t *testing.T, s *postgres.Store, times ...int64) {
	t.Helper()
	at, err := s.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := &sinks.Batch{Previous: at, Checkpoint: history.Position{Log: "log", Sequence: at.Sequence + uint64(len(times))}}
	for i, time := range times {
		b.Entries = append(b.Entries, sinks.Entry{Sequence: at.Sequence + uint64(i) + 1, Record: "a", Time: time, Value: []byte("1")})
	}
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// TestClockSteps: the counts of a record have where its clock was last set back.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		batches [][]int64
		want    string
	}{
		"none":                     {[][]int64{{1, 2}, {2, 3}}, "4 rows 4 bytes, step - -, last 3"},
		"in the first batch":       {[][]int64{{5, 1, 2}}, "3 rows 3 bytes, step 2 1, last 2"},
		"twice in a batch":         {[][]int64{{5, 3, 4, 1}}, "4 rows 4 bytes, step 4 1, last 1"},
		"between two batches":      {[][]int64{{5, 6}, {4, 7}}, "4 rows 4 bytes, step 3 4, last 7"},
		"stays when time goes on":  {[][]int64{{5}, {4}, {6}}, "3 rows 3 bytes, step 2 4, last 6"},
		"between and in a batch":   {[][]int64{{9}, {8, 7}}, "3 rows 3 bytes, step 3 7, last 7"},
		"to the least time of all": {[][]int64{{math.MaxInt64}, {math.MinInt64}}, fmt.Sprintf("2 rows 2 bytes, step 2 %d, last %[1]d", math.MinInt64)},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := server.Database(t)
			s, stop := start(t, postgres.Config{DSN: dsn})
			defer stop()
			for _, times := range c.batches {
				appendTo(t, s, times...)
			}
			got := ask[string](t, dsn, "SELECT format('%s rows %s bytes, step %s %s, last %s', rows, bytes, coalesce(step_id::text, '-'), coalesce(step_time::text, '-'), last_time) FROM aimdb_record")
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestPartitions: each row is in the partition of its time, and the first and the last one
// take what is before 1970 and far in the future.
func TestPartitions(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn})
	defer stop()
	const week = 7 * 24 * 3600 * 1000
	appendTo(t, s, math.MinInt64, -1, 0, week-1, week, 3*week+5, 3*week+6, 12_000*week-1, 12_000*week, 12_001*week, math.MaxInt64)
	got := ask[string](t, dsn, "SELECT string_agg(p || ' ' || n, ', ' ORDER BY p) FROM (SELECT tableoid::regclass::text p, count(*) n FROM record_history GROUP BY 1) x")
	want := "record_history_0 2, record_history_1814400000 2, record_history_604800000 1, record_history_7256995200000 1, record_history_early 2, record_history_late 3"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
