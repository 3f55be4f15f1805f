package sqlite_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// timed is a value with a time of its own.
func timed(record string, own, written int64, value string) sinks.Entry {
	return sinks.Entry{Record: record, Time: written, Timed: true, Event: own, Value: []byte(value)}
}

func eventTimes(t *testing.T, s *sqlite.Store) string {
	t.Helper()
	all, err := s.EventTimes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(all)
}

// TestAFileOfVersion5Opens: its rows have the times of their writes, and go on to.
func TestAFileOfVersion5Opens(t *testing.T) {
	path := fixture(t, 5)
	reading := readOnly(t, path)
	want := everything(t, reading)
	if got := eventTimes(t, reading); got != "map[back:{0 2} steady:{0 2}]" {
		t.Errorf("read only: %s", got)
	}
	if some, err := reading.HasEventTimes(t.Context()); some || err != nil {
		t.Errorf("read only: %v, %v", some, err)
	}
	s := start(t, path)
	same(t, everything(t, s), want...)
	same(t, texts(t, lastOf(t, s, "back", 1)), `back 50 {"at":20}`)
	if err := s.RetryDeadLetter(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if got := eventTimes(t, s); got != "map[back:{0 2} steady:{0 3}]" {
		t.Errorf("brought up to date: %s", got)
	}
	own := func(row history.Row) (ms int64, has bool) {
		n, err := fmt.Sscanf(string(row.Value), `{"at":%d}`, &ms)
		return ms, n == 1 && err == nil
	}
	if err := s.Retime(t.Context(), "back", own, func(int) {}); err != nil {
		t.Error(err)
	}
	same(t, texts(t, s.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, "back")})), `back 20 {"at":20}`, `back 30 {"at":30}`)
	if v := verify(t, s); len(v.Damaged)+len(v.Problems) > 0 {
		t.Errorf("%+v", v)
	}
}

// TestAnUpgradeThatFailsChangesNothing: it is one transaction.
func TestAnUpgradeThatFailsChangesNothing(t *testing.T) {
	path := fixture(t, 5)
	change(t, path, "CREATE TABLE aimdb_stored_record (x)") // the name of an index of the new schema
	if s, err := sqlite.Open(path); err == nil {
		_ = s.Close()
		t.Fatal("the file was opened")
	}
	if got := cell(t, path, "SELECT count(*) FROM sqlite_schema WHERE name = 'aimdb_stored'"); got != "0" {
		t.Errorf("the failed upgrade has left %q", got)
	}
	if got := cell(t, path, "SELECT value FROM aimdb_meta WHERE key = 'schema_version'"); got != "5" {
		t.Errorf("the version is %s", got)
	}
	change(t, path, "DROP TABLE aimdb_stored_record")
	if got := eventTimes(t, start(t, path)); got != "map[back:{0 2} steady:{0 2}]" {
		t.Errorf("the next upgrade: %s", got)
	}
}

// TestARowAndItsTimeOfStoringAreOneTransaction: a batch whose entry in aimdb_stored fails
// stores no row, and rows without times of their own need no entry.
func TestARowAndItsTimeOfStoringAreOneTransaction(t *testing.T) {
	path := file(t)
	s := start(t, path)
	write(t, s, batch(1, entry("plain", 5, "1"), entry("plain", 6, "2")))
	change(t, path, "CREATE TRIGGER stop BEFORE INSERT ON aimdb_stored BEGIN SELECT RAISE(ABORT, 'stopped'); END")
	write(t, s, batch(3, entry("plain", 7, "3")))
	if err := s.Write(t.Context(), batch(4, timed("a", 5, 100, "4"))); err == nil || !strings.Contains(err.Error(), "stopped") {
		t.Errorf("the batch was stored with %v", err)
	}
	same(t, everything(t, s), "plain 5 1", "plain 6 2", "plain 7 3")
	change(t, path, "DROP TRIGGER stop")
	write(t, s, batch(4, timed("a", 5, 100, "4")))
	if got := cell(t, path, "SELECT group_concat(first_id || '-' || last_id || ' ' || record_name || ' ' || at) FROM aimdb_stored"); got != "4-4 a 100" {
		t.Errorf("aimdb_stored has %s", got)
	}
}

// TestAnEntryIsForOneMinute: rows that were written further apart, and those after a clock
// step, have entries of their own.
func TestAnEntryIsForOneMinute(t *testing.T) {
	path := file(t)
	s := start(t, path)
	write(t, s, batch(1, timed("a", 1, 1000, "1"), timed("b", 1, 1000, "1"), timed("a", 2, 61_000, "2"), timed("a", 3, 61_001, "3"), timed("a", 4, 500, "4")))
	if got := cell(t, path, "SELECT group_concat(first_id || '-' || last_id || ' ' || record_name || ' ' || at) FROM (SELECT * FROM aimdb_stored ORDER BY first_id)"); got != "1-2 a 61000,3-3 a 61001,4-4 a 500,5-5 b 1000" {
		t.Errorf("aimdb_stored has %s", got)
	}
}

// TestEventTimesAreExportedAndImported: with the times of their storing, so that ages go on.
func TestEventTimesAreExportedAndImported(t *testing.T) {
	s := start(t, file(t))
	now := time.Now().UnixMilli()
	write(t, s, batch(1, timed("a", 10, now-1000, "1"), timed("a", 5, now-10_000, "2"), entry("b", now, "3")))
	rows := slices.Collect(func(yield func(history.Row) bool) {
		for row, err := range s.Rows(t.Context(), pattern(t, "#"), history.Window{}, 0) {
			if err != nil {
				t.Fatal(err)
			}
			yield(row)
		}
	})
	if got := fmt.Sprint(rows[0].Stored-now, rows[1].Stored-now, rows[2].Stored); got != "-1000 -10000 0" {
		t.Errorf("the rows were stored at %s", got)
	}
	path := file(t)
	other := start(t, path)
	into := func(rows ...history.Row) {
		t.Helper()
		if report, err := other.Import(t.Context(), func(yield func(history.Row, error) bool) {
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
		}); err != nil || report.Added != int64(len(rows)) {
			t.Fatalf("%+v, %v", report, err)
		}
	}
	into(rows...)
	into(history.Row{Record: "a", Time: 7, Value: []byte("4")}) // from a format without times of storing
	if got := eventTimes(t, other); got != "map[a:{3 0} b:{0 1}]" {
		t.Errorf("imported: %s", got)
	}
	write(t, other, batch(1, timed("a", 6, now-20_000, "5")))
	same(t, texts(t, lastOf(t, other, "a", 1)), "a 6 5") // imported rows are not what was stored last
	report, err := other.Prune(t.Context(), history.PrunePlan{Now: now, Trusted: now, Keep: []history.Keep{{Record: "a", Before: now - 5000}}})
	if err != nil || report.Rows != 2 {
		t.Errorf("%+v, %v; want the two rows to go that were written before", report, err)
	}
	same(t, texts(t, other.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, "a")})), "a 7 4", "a 10 1")
}

// TestDeadLettersKeepEventTimes: a retried value has its own time and the age of its write.
func TestDeadLettersKeepEventTimes(t *testing.T) {
	s := start(t, file(t))
	b := batch(1, timed("a", 10, 1000, "1"))
	refused := timed("a", 5, 900, "2")
	refused.Sequence = 2
	b.Refused, b.Checkpoint.Sequence = []sinks.Refusal{{Entry: refused, Reason: "poison"}}, 2
	write(t, s, b)
	for l, err := range s.DeadLetters(t.Context()) {
		if err != nil || l.Event == nil || *l.Event != 5 || l.Time != 900 {
			t.Fatalf("%+v, %v", l, err)
		}
		if err := s.RetryDeadLetter(t.Context(), l.ID); err != nil {
			t.Fatal(err)
		}
	}
	same(t, everything(t, s), "a 10 1", "a 5 2")
	same(t, texts(t, lastOf(t, s, "a", 1)), "a 10 1")
	if got := eventTimes(t, s); got != "map[a:{2 0}]" {
		t.Errorf("retried: %s", got)
	}
}

// TestRowsOfOthersAmongEventTimes: another program that writes into the file knows nothing of
// aimdb_stored. Its rows are as old as they say.
func TestRowsOfOthersAmongEventTimes(t *testing.T) {
	path := file(t)
	s := start(t, path)
	write(t, s, batch(1, timed("a", 10, 5000, "1"), timed("a", 20, 5000, "2")))
	change(t, path, "INSERT INTO record_history(record_name, value_json, stored_at) VALUES ('a', '3', 15), ('a', '4', 6000)")
	same(t, texts(t, lastOf(t, s, "a", 9)), "a 20 2", "a 10 1", "a 6000 4", "a 15 3")
	plan := history.PrunePlan{Now: 7000, Trusted: 7000, Keep: []history.Keep{{Record: "a", Before: 4000}}}
	preview, err := s.Preview(t.Context(), plan)
	if err != nil || preview.Rows != 1 {
		t.Errorf("preview %+v, %v", preview, err)
	}
	report, err := s.Prune(t.Context(), plan)
	if err != nil || report.Rows != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	same(t, everything(t, s), "a 10 1", "a 20 2", "a 6000 4")
	if got := eventTimes(t, s); got != "map[a:{2 1}]" {
		t.Errorf("%s", got)
	}
}
