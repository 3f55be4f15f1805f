package historytest

import (
	"fmt"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

const (
	hour = int64(time.Hour / time.Millisecond)
	day  = 24 * hour
)

// pruneFuture: a limit of age removes rows from the future too, once they have
// been stored for so long.
func (x Target) pruneFuture(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := x.Open(t, dir)
	defer func() { closeStore() }()
	f, now := newFeed(s), 1000*day
	sweep := func(at int64, rows, future int64) {
		t.Helper()
		plan := history.PrunePlan{Now: at, Trusted: at, Keep: []history.Keep{{Record: "a", Before: at - 2*day}}}
		preview, report := prune(t, s, plan)
		for name, got := range map[string]history.PruneReport{"preview": preview, "report": report} {
			if got.Rows != rows || got.Future != future || len(got.Held) > 0 {
				t.Errorf("day %d: the %s is %+v; want %d rows to go and %d from the future to stay", at/day, name, got, rows, future)
			}
		}
	}
	f.write(t, row("a", now-3*day, "1"), row("a", now+9000*day, "2"), row("a", now-hour, "3"), row("a", now+1, "4"), row("b", now+9000*day, "5"))
	wrong := history.PrunePlan{Now: now + 9000*day, Trusted: now + 9000*day}
	if _, err := s.Prune(t.Context(), wrong); err != nil { // it is not from the future as long as the clock is wrong
		t.Fatal(err)
	}
	sweep(now, 1, 1) // finds the row from the future
	f.write(t, row("a", now+8000*day, "6"))
	sweep(now+day, 0, 2)
	closeStore()
	s, closeStore = x.Open(t, dir)
	f.store = s
	sweep(now+2*day+hour, 3, 1) // the row that was found on the first day, and two that are old
	sweep(now+3*day+hour, 1, 0)
	sweep(now-500*day, 0, 0) // a clock that is set back makes no row older
	same(t, everything(t, s), fmt.Sprint("b ", now+9000*day, " 5"))
}

// pruneHeld: a record keeps what goes only because the clock has jumped, if that
// is nearly all of it.
func (x Target) pruneHeld(t *testing.T) {
	s := x.open(t)
	f, now := newFeed(s), 1000*day
	for i := range int64(100) {
		f.write(t, row("all", now-20*hour+i, "1"), row("most", now-20*hour+i, "1"), row("some", now-i*hour, "1"))
	}
	for i := range int64(12) { // as many as a tenth and one row more
		f.write(t, row("most", now-i, "1"))
	}
	jumped := now + 400*day
	f.write(t, row("all", jumped, "2"), row("all", jumped-1, "2")) // what the wrong clock stamps counts for nothing
	plan := history.PrunePlan{Now: now, Trusted: now}
	for _, record := range []string{"all", "most", "some"} {
		plan.Keep = append(plan.Keep, history.Keep{Record: record, Before: now - 30*hour})
	}
	_, report := prune(t, s, plan) // the clock is right
	if got := fmt.Sprint(report.Rows, report.Held); got != "69 []" {
		t.Errorf("before the jump: %s", got)
	}
	if at, err := s.TrustedTime(t.Context()); err != nil || at != now {
		t.Errorf("the trusted time is %d, %v", at, err)
	}
	plan.Now, plan.Trusted = now+15*hour, now+hour // 14 hours are in doubt
	for i := range plan.Keep {
		plan.Keep[i].Before = plan.Now - 30*hour
	}
	preview, report := prune(t, s, plan)
	for name, got := range map[string]history.PruneReport{"preview": preview, "report": report} {
		if text := fmt.Sprint(got.Rows, got.Records, got.Held); text != "115 [{most 100 100} {some 15 15}] [{all 100}]" {
			t.Errorf("the %s is %s", name, text)
		}
	}
	if at, err := s.TrustedTime(t.Context()); err != nil || at != now+hour {
		t.Errorf("the trusted time of a sweep that held rows is %d, %v", at, err)
	}
	if left := collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, "all"), Limit: 1000})); len(left) != 102 {
		t.Errorf("%d rows are left of the record that was held, want all 102", len(left))
	}
	plan.Trusted = plan.Now // told that the clock is right
	if _, report := prune(t, s, plan); report.Rows != 100 || len(report.Held) > 0 {
		t.Errorf("told that the clock is right: %+v", report)
	}
}
