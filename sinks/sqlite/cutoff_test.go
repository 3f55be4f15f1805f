package sqlite_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

// A sweep that is cut off has taken the oldest rows, whichever of its pieces was
// the last: what is left of a record has no gap. Values of one burst have the
// same time, so that only their IDs say which is older.
func TestSweepCutOffLeavesNoGap(t *testing.T) {
	t.Parallel()
	const bursts, burst, keep = 200, 20, 200
	path := file(t)
	s := start(t, path)
	keys := []string{"a", "b"}
	var all []sinks.Entry
	for i := range bursts {
		for _, key := range keys {
			for n := range burst {
				all = append(all, entry(key, int64(i), fmt.Sprint(i*burst+n+1)))
			}
		}
	}
	write(t, s, batch(1, all...))
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // nothing is open in it
	plan := history.PrunePlan{Keep: []history.Keep{{Record: "a", MaxRows: keep}, {Record: "b", MaxRows: keep}}}
	cuts := 0
	for left := len(all) - 1; left >= len(keys)*keep; left -= 400 {
		setTrigger(t, db, fmt.Sprintf(`CREATE TRIGGER cut_off BEFORE DELETE ON record_history
			WHEN (SELECT sum(rows) FROM aimdb_record) <= %d BEGIN SELECT RAISE(ABORT, 'cut off'); END`, left))
		if _, err := s.Prune(t.Context(), plan); err != nil {
			cuts++
		}
		for _, key := range keys {
			noGap(t, db, key, bursts*burst)
		}
		if t.Failed() {
			t.Fatalf("the sweep was cut off with %d rows to go", left)
		}
	}
	setTrigger(t, db, "SELECT 1")
	if _, err := s.Prune(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if rows := noGap(t, db, key, bursts*burst); rows != keep {
			t.Errorf("record %s: %d rows are left, want %d", key, rows, keep)
		}
	}
	if cuts == 0 {
		t.Error("no sweep was cut off")
	}
}

func setTrigger(t *testing.T, db *sql.DB, text string) {
	t.Helper()
	for _, statement := range []string{"DROP TRIGGER IF EXISTS cut_off", text} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// noGap checks that the rows of a record count up to the newest.
func noGap(t *testing.T, db *sql.DB, key string, newest int) (rows int) {
	t.Helper()
	var first, last int
	err := db.QueryRowContext(t.Context(), "SELECT count(*), min(n), max(n) FROM (SELECT CAST(value_json AS INTEGER) n FROM record_history WHERE record_name = ?)", key).Scan(&rows, &first, &last)
	if err != nil {
		t.Fatal(err)
	}
	if last != newest || last-first+1 != rows {
		t.Errorf("record %s: %d rows from %d to %d are left, want no gap up to %d", key, rows, first, last, newest)
	}
	return rows
}
