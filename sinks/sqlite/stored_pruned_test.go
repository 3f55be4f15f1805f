package sqlite_test

import (
	"testing"

	"github.com/aimdb-go/aimdb/history"
)

// TestNoEntryForARecordWhoseEventTimesAreGone: a record whose rows with times of their own
// have all been pruned begins again without: its rows were written when they say.
func TestNoEntryForARecordWhoseEventTimesAreGone(t *testing.T) {
	path := file(t)
	s := start(t, path)
	write(t, s, batch(1, timed("a", 10, 1000, "1"), timed("b", 10, 1000, "1")))
	report, err := s.Prune(t.Context(), history.PrunePlan{Now: 7000, Trusted: 7000, Keep: []history.Keep{{Record: "a", Before: 4000}}})
	if err != nil || report.Rows != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	write(t, s, batch(3, entry("a", 6000, "2"), entry("b", 6000, "2")))
	if got := eventTimes(t, s); got != "map[a:{0 1} b:{2 0}]" {
		t.Errorf("%s; want the row of a without a time of its own", got)
	}
	if got := cell(t, path, "SELECT group_concat(record_name || ' ' || at) FROM aimdb_stored"); got != "b 1000,b 6000" {
		t.Errorf("aimdb_stored has %s", got)
	}
}
