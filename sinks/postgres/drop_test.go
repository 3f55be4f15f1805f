package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// months stores rows of two records, one a day each, over ten partitions.
func months(t *testing.T, s *postgres.Store) {
	t.Helper()
	var rows []history.Row
	for ms := 100 * week; ms < 110*week; ms += day {
		rows = append(rows, row("a", ms, `"12345"`), row("b", ms+1, "1"))
	}
	write(t, s, rows...)
}

// partitions are the names of the partitions that are not there from the start.
func partitions(t *testing.T, dsn string) string {
	t.Helper()
	return ask[string](t, dsn, fmt.Sprintf(`SELECT coalesce(string_agg(((substring(inhrelid::regclass::text FROM '\d+'))::bigint / %d)::text, ' ' ORDER BY inhrelid::regclass::text), '')
		FROM pg_inherits WHERE inhparent = 'record_history'::regclass AND inhrelid::regclass::text ~ '\d$'`, week))
}

// TestRetentionDropsPartitions: a partition of which all rows go is dropped, and only that.
func TestRetentionDropsPartitions(t *testing.T) {
	t.Parallel()
	const whole = "100 101 102 103 104 105 106 107 108 109"
	age := func(record string, before int64) history.Keep { return history.Keep{Record: record, Before: before} }
	for name, c := range map[string]struct {
		keep  []history.Keep
		whole int64
		rows  int64 // that go
		want  string
	}{
		"an age for all":         {keep: []history.Keep{age("a", 105*week), age("b", 105*week)}, rows: 70, want: "105 106 107 108 109"},
		"within a partition":     {keep: []history.Keep{age("a", 105*week+1), age("b", 105*week+1)}, rows: 71, want: "105 106 107 108 109"},
		"two ages":               {keep: []history.Keep{age("a", 103*week), age("b", 106*week)}, rows: 63, want: "103 104 105 106 107 108 109"},
		"one is kept":            {keep: []history.Keep{age("a", 105*week), {Record: "b", Forever: true}}, rows: 35, want: whole},
		"one has no policy":      {keep: []history.Keep{age("a", 105*week)}, rows: 35, want: whole},
		"a number of rows":       {keep: []history.Keep{{Record: "a", MaxRows: 20}, {Record: "b", MaxRows: 30}}, rows: 90, want: "105 106 107 108 109"},
		"everything":             {keep: []history.Keep{age("a", 200*week), age("b", 200*week)}, rows: 140, want: ""},
		"the whole has no room":  {whole: 1, rows: 140, want: ""},
		"the whole, one is kept": {keep: []history.Keep{{Record: "b", Forever: true}}, whole: 1, rows: 70, want: whole},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := server.Database(t)
			s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
			defer stop()
			months(t, s)
			plan := history.PrunePlan{Keep: c.keep, MaxBytes: c.whole}
			report, err := s.Prune(t.Context(), plan)
			if err != nil || report.Rows != c.rows {
				t.Errorf("%+v, %v; want %d rows", report, err, c.rows)
			}
			if got := partitions(t, dsn); got != c.want {
				t.Errorf("the partitions %s are left, want %s", got, c.want)
			}
			if dropped := c.want != whole; dropped != (report.FreedBytes > 0) {
				t.Errorf("%d bytes were freed", report.FreedBytes)
			}
			counted(t, s, dsn, 140-c.rows)
			months(t, s) // makes them again
			counted(t, s, dsn, 280-c.rows)
		})
	}
}

// TestAPartitionInUseIsNotDropped: something that reads for long does not hold up writes
// and the sweep for as long.
func TestAPartitionInUseIsNotDropped(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	months(t, s)
	conn := connect(t, dsn)
	defer conn.Close(context.Background())
	tx, err := conn.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), "SELECT FROM record_history LIMIT 1")
	}
	if err != nil {
		t.Fatal(err)
	}
	plan := history.PrunePlan{Keep: []history.Keep{{Record: "a", Before: 101 * week}, {Record: "b", Before: 101 * week}}}
	report, err := s.Prune(t.Context(), plan)
	if err != nil || report.Rows != 14 || report.FreedBytes != 0 {
		t.Errorf("%+v, %v; want 14 rows that go without their partition", report, err)
	}
	write(t, s, row("a", 100*week, "1"))
	counted(t, s, dsn, 127)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if report, err = s.Prune(t.Context(), plan); err != nil || report.Rows != 1 || report.FreedBytes == 0 {
		t.Errorf("%+v, %v; want 1 row that goes with its partition", report, err)
	}
	counted(t, s, dsn, 126)
}

// TestWritesGoOnWhilePartitionsAreDropped writes rows that are old at once, so that the
// writer and sweeps of two stores meet in the same partitions.
func TestWritesGoOnWhilePartitionsAreDropped(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	beside := open(t, postgres.Config{DSN: dsn, Logger: quiet()})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 3)
	gone := make(chan int64, 2)
	for _, store := range []*postgres.Store{s, beside} {
		go func() {
			rows, err := int64(0), error(nil)
			for ctx.Err() == nil && err == nil {
				var report history.PruneReport
				report, err = store.Prune(t.Context(), history.PrunePlan{Now: 110 * week, Trusted: 110 * week,
					Keep: []history.Keep{{Record: "a", Before: 105 * week}, {Record: "b", Before: 105 * week}, {Record: "c", MaxRows: 10}}})
				rows += report.Rows
			}
			gone <- rows
			done <- err
		}()
	}
	go func() {
		var err error
		for ctx.Err() == nil && err == nil {
			err = first(s.Range(t.Context(), history.RangeQuery{Pattern: all}))
		}
		done <- err
	}()
	const batches = 60
	for range batches {
		months(t, s)
		write(t, s, row("c", 103*week, "1"), row("c", 107*week, "1"))
	}
	cancel()
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	counted(t, s, dsn, 142*batches-(<-gone)-(<-gone))
}

func first[T any](seq func(func(T, error) bool)) error {
	for _, err := range seq {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestASweepCutOffLeavesNoGap: a sweep that fails where it has to delete rows has not
// dropped the partitions of younger ones.
func TestASweepCutOffLeavesNoGap(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	var rows []history.Row
	for i := range int64(100) {
		rows = append(rows, row("a", 100*week+i*day, fmt.Sprint(i)))
		if i < 50 { // stands in the way of dropping the older half
			rows = append(rows, row("kept", 100*week+i*day, "1"))
		}
	}
	write(t, s, rows...)
	exec(t, dsn, `CREATE FUNCTION cut_off() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'cut off'; END $$;
		CREATE TRIGGER cut_off AFTER DELETE ON record_history FOR EACH STATEMENT EXECUTE FUNCTION cut_off()`)
	plan := history.PrunePlan{Keep: []history.Keep{{Record: "a", Before: 100*week + 95*day}, {Record: "kept", Forever: true}}}
	if _, err := s.Prune(t.Context(), plan); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Error(err)
	}
	if n := len(everything(t, s)); n != 150 {
		t.Errorf("%d rows are left, and no old one could be deleted", n)
	}
	exec(t, dsn, "DROP FUNCTION cut_off CASCADE")
	if report, err := s.Prune(t.Context(), plan); err != nil || report.Rows != 95 || report.FreedBytes == 0 {
		t.Errorf("%+v, %v", report, err)
	}
	counted(t, s, dsn, 55)
}
