package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// foreign adds rows as a program does that knows nothing of counts and IDs.
func foreign(t *testing.T, dsn, record string, rows int) {
	t.Helper()
	exec(t, dsn, fmt.Sprintf(`INSERT INTO record_history (record_name, value_json, stored_at)
		SELECT '%s', '{"n":' || i || '}', i FROM generate_series(1, %d) i`, record, rows))
}

// names returns the records that a query finds.
func names(t *testing.T, s *postgres.Store, text string) (all []string) {
	t.Helper()
	for _, row := range collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, text), Limit: 1})) {
		all = append(all, row.Record)
	}
	return all
}

// TestChangesOfOtherProgramsAreCounted: what other programs add, change and delete is found
// at once, and counted before statistics are given and rows are pruned.
func TestChangesOfOtherProgramsAreCounted(t *testing.T) {
	t.Parallel()
	const many = 500
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	write(t, s, row("ours", 1, "1"))
	foreign(t, dsn, "added::before", many)
	if got := fmt.Sprint(names(t, s, "added.*"), names(t, s, "#"), names(t, s, "ours")); got != "[added::before] [added::before ours] [ours]" {
		t.Error(got)
	}
	counted(t, s, dsn, 1+many)
	foreign(t, dsn, "ours", many)
	write(t, s, row("ours", 2, "1"))
	foreign(t, dsn, "between", many)
	write(t, s, row("ours", 3, "1"))
	counted(t, s, dsn, 3+3*many)
	exec(t, dsn, "UPDATE record_history SET value_json = value_json || ' ', record_name = 'renamed' WHERE record_name = 'between' AND stored_at > 100")
	counted(t, s, dsn, 3+3*many)
	exec(t, dsn, "DELETE FROM record_history WHERE record_name = 'added::before' AND stored_at > 3")
	foreign(t, dsn, "last", many)
	all, err := s.Records(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plan := history.PrunePlan{}
	for _, name := range all {
		plan.Keep = append(plan.Keep, history.Keep{Record: name, MaxRows: 3})
	}
	if _, err := s.Prune(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	counted(t, s, dsn, 15)
	exec(t, dsn, "TRUNCATE record_history")
	counted(t, s, dsn, 0)
}

// TestIDsOfOtherProgramsAreInOrder: a row without an ID gets the next one, and is seen by a
// snapshot that has its ID.
func TestIDsOfOtherProgramsAreInOrder(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	write(t, s, row("a", 5, "1"))
	foreign(t, dsn, "b", 1)
	write(t, s, row("a", 6, "2"))
	at, err := s.Position(t.Context())
	if err != nil || at.MaxID != 3 {
		t.Errorf("%+v, %v", at, err)
	}
	foreign(t, dsn, "b", 1)
	rows := collect(t, s.Range(t.Context(), history.RangeQuery{Pattern: all, MaxID: at.MaxID}))
	same(t, rows, `b 1 {"n":1}`, "a 5 1", "a 6 2")
}

// TestACountTakesNoMarkAway: changes that are not committed yet when the rows are counted
// are counted next time.
func TestACountTakesNoMarkAway(t *testing.T) {
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	write(t, s, row("a", 5, "1"))
	foreign(t, dsn, "b", 7)
	conn := connect(t, dsn)
	defer conn.Close(context.Background())
	tx, err := conn.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), "INSERT INTO record_history SELECT 1, 'c', '1', 1")
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { _, err := s.Stats(t.Context()); done <- err }()
	until(t, dsn, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'DELETE FROM aimdb_meta%')")
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	counted(t, s, dsn, 9)
}
