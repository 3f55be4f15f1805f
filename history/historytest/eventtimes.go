package historytest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// eventTimes runs what a store must do with values that have times of their own.
func (x Target) eventTimes(t *testing.T) {
	t.Run("late rows are answered in their place", x.lateRows)
	t.Run("pages stay right while late rows come", x.latePages)
	t.Run("rows by storing have nothing to do with event times", x.lateByStoring)
	t.Run("ages go by the times of the writes", x.lateAges)
	t.Run("rows of event times stay that only the clock makes too old", x.lateHeld)
	t.Run("pruning rows of event times is that of the model", x.latePruneRandom)
	t.Run("rows since a time of storing", x.storedSince)
	t.Run("rows with event times are counted", x.ownCounts)
	t.Run("event times are turned on and off", x.retime)
}

// lateRandom returns rows whose own times are in no order. Their writes are at now and later.
func lateRandom(random *rand.Rand, n int, now, span int64) (rows []history.Row) {
	for i := range int64(n) {
		rows = append(rows, late(fmt.Sprint("r", random.IntN(5)), random.Int64N(span), now+i/3, fmt.Sprint(random.IntN(1000))))
	}
	return rows
}

func (x Target) lateRows(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := x.Open(t, dir)
	defer func() { closeStore() }()
	random, f := random(t), newFeed(s)
	for round := range int64(30) {
		f.write(t, lateRandom(random, 1+random.IntN(60), 1_000_000+round*100, 50)...)
	}
	closeStore()
	s, closeStore = x.Open(t, dir)
	all := model(everything(t, s))
	if !slices.IsSortedFunc(all, func(a, b history.Row) int {
		if a.Point().Before(b.Point()) {
			return -1
		}
		return 1
	}) || all[len(all)-1].Time >= 50 {
		t.Fatal("the rows are not in the order of their own times")
	}
	for range 200 {
		start := random.Int64N(50)
		end := start + random.Int64N(50)
		q := history.RangeQuery{Pattern: pattern(t, []string{"#", "r1"}[random.IntN(2)]), Descending: random.IntN(2) == 0,
			Window: history.Window{Start: &start, End: &end}, PerRecord: random.IntN(4), Total: random.IntN(9)}
		if random.IntN(3) == 0 {
			q.After = &history.Point{Time: random.Int64N(50), ID: random.Int64N(int64(len(all)))}
		}
		equal(t, q, collect(t, s.Range(t.Context(), q)), all.rangeOf(q))
		latest := history.LatestQuery{Pattern: q.Pattern, Limit: 1 + random.IntN(9), Window: q.Window}
		equal(t, latest, collect(t, s.Latest(t.Context(), latest)), all.latest(latest))
	}
	rows := map[string]int64{}
	for b, err := range s.Buckets(t.Context(), history.BucketQuery{Pattern: pattern(t, "#"), Width: 10 * time.Millisecond}) {
		if err != nil {
			t.Fatal(err)
		}
		want := all.selected(func(row history.Row) bool {
			return row.Record == b.Record && row.Time >= b.Start && row.Time < b.Start+10
		})
		if rows[b.Record] += b.Count; b.Count != int64(len(want)) || fmt.Sprint(b.First) != string(want[0].Value) || fmt.Sprint(b.Last) != string(want[len(want)-1].Value) {
			t.Errorf("the bucket %+v has other rows than %d of the range", b, len(want))
		}
	}
	for _, r := range describe(t, s).Records {
		if rows[r.Record] != r.Rows || r.LastTime >= 50 {
			t.Errorf("%d rows are in buckets, and the statistics are %+v", rows[r.Record], r)
		}
	}
}

// latePages: a cursor yields each row once that was there when it was made, and of the rows
// that come later those after its place.
func (x Target) latePages(t *testing.T) {
	for _, descending := range []bool{false, true} {
		random, s := random(t), x.open(t)
		f := newFeed(s)
		f.write(t, lateRandom(random, 200, 1_000_000, 1000)...)
		first := everything(t, s)
		q := history.PageQuery{RangeQuery: history.RangeQuery{Pattern: pattern(t, "#"), Descending: descending, Total: 7}}
		seen := map[int64]int{}
		var last *history.Row
		for round := int64(1); ; round++ {
			page, err := history.ReadPage(t.Context(), s, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range page.Rows {
				seen[row.ID]++
				if last != nil && last.Point().Before(row.Point()) == descending {
					t.Fatalf("%+v comes after %+v", row, *last)
				}
				last = &row
			}
			if q.Cursor = page.Next; page.Next == "" {
				break
			}
			if round <= 40 {
				f.write(t, lateRandom(random, 3, 1_000_000+100*round, 1000)...)
			}
		}
		for _, row := range first {
			if seen[row.ID] != 1 {
				t.Fatalf("a row that was there is in %d pages", seen[row.ID])
			}
		}
		for id, n := range seen {
			if n != 1 {
				t.Fatalf("row %d is in %d pages", id, n)
			}
		}
	}
}

func (x Target) lateByStoring(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := x.Open(t, dir)
	defer func() { closeStore() }()
	f := newFeed(s)
	f.write(t, late("a", 900, 2000, "1"), late("b", 5, 2000, "2"), late("a", 10, 2001, "3"))
	f.write(t, late("a", 9_000_000, 2002, "4"), late("a", 500, 1500, "5")) // the clock was set back
	f.write(t, late("a", 400, 1501, "6"), row("c", 7, "7"))
	for range 2 {
		for limit, want := range [][]string{nil, {"a 400 6"}, {"a 400 6", "a 500 5"}, 5: {"a 400 6", "a 500 5", "a 9000000 4", "a 10 3", "a 900 1"}} {
			if want == nil {
				continue
			}
			same(t, collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, "a"), Limit: limit, By: history.ByStoring})), want...)
		}
		same(t, collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, "#"), Limit: 1})), "a 9000000 4", "b 5 2", "c 7 7")
		closeStore()
		s, closeStore = x.Open(t, dir)
	}
}

// lateAges: own times in the far past or in the future make nothing older or younger.
func (x Target) lateAges(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := x.Open(t, dir)
	defer func() { closeStore() }()
	f, now := newFeed(s), 1000*day
	f.write(t, late("a", 1, now-3*day, "1"), late("a", now+9000*day, now-3*day, "2"), late("a", 2, now-hour, "3"), late("b", 0, now-3*day, "4"))
	f.write(t, late("a", now-5*day, now-hour+1, "5"), late("a", now+9000*day, now-hour+1, "6"))
	f.write(t, late("a", now-5*day, now+500*day, "7")) // written while the clock was wrong
	sweep := func(at, rows, future int64, left ...string) {
		t.Helper()
		plan := history.PrunePlan{Now: at, Trusted: at, Keep: []history.Keep{{Record: "a", Before: at - 2*day}}}
		preview, report := prune(t, s, plan)
		for name, got := range map[string]history.PruneReport{"preview": preview, "report": report} {
			if got.Rows != rows || got.Future != future || len(got.Held) > 0 {
				t.Errorf("day %d: the %s is %+v; want %d rows to go and %d from the future to stay", at/day, name, got, rows, future)
			}
		}
		var values []string
		for _, row := range collect(t, s.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, "a")})) {
			values = append(values, string(row.Value))
		}
		if !slices.Equal(values, left) {
			t.Errorf("day %d: %q are left, want %q", at/day, values, left)
		}
	}
	sweep(now, 2, 1, "3", "5", "7", "6")
	closeStore()
	s, closeStore = x.Open(t, dir)
	f.store = s
	sweep(now+day, 0, 1, "3", "5", "7", "6")
	sweep(now+2*day, 3, 1, "7")
	f.write(t, late("a", 3, now+2*day, "8"))
	sweep(now+3*day, 1, 0, "8") // the row from the future was found two days ago
	sweep(now-500*day, 0, 1, "8")
	same(t, collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, "a"), Limit: 9, By: history.ByStoring})), "a 3 8")
}

func (x Target) lateHeld(t *testing.T) {
	s := x.open(t)
	f, now := newFeed(s), 1000*day
	for i := range int64(50) {
		f.write(t, late("all", i, now-20*hour+i, "1"), late("some", now+i*day, now-i*hour, "1"))
	}
	plan := history.PrunePlan{Now: now + 15*hour, Trusted: now + hour, Keep: []history.Keep{
		{Record: "all", Before: now - 15*hour}, {Record: "some", Before: now - 15*hour},
	}}
	preview, report := prune(t, s, plan) // 14 hours are in doubt
	for name, got := range map[string]history.PruneReport{"preview": preview, "report": report} {
		if text := fmt.Sprint(got.Rows, got.Records, got.Held); text != "34 [{some 34 34}] [{all 50}]" {
			t.Errorf("the %s is %s", name, text)
		}
	}
	plan.Trusted = plan.Now
	if _, report := prune(t, s, plan); report.Rows != 50 || len(report.Held) > 0 {
		t.Errorf("told that the clock is right: %+v", report)
	}
}

func (x Target) latePruneRandom(t *testing.T) {
	random, s := random(t), x.open(t)
	f := newFeed(s)
	written := map[int64]int64{} // by ID
	var id int64
	for round := int64(1); round <= 40; round++ {
		rows := lateRandom(random, 1+random.IntN(80), 10_000*round, 100)
		slices.SortStableFunc(rows, func(a, b history.Row) int { return int(a.Record[1]) - int(b.Record[1]) }) // as a store may do
		for i := range rows {                                                                                  // a store may note one time for values that are stored together
			rows[i].Stored = 10_000*round + 10
		}
		f.write(t, rows...)
		for _, row := range rows {
			id++
			written[id] = row.Stored
		}
		var byWrite model // the same rows with the times of their writes
		for _, row := range everything(t, s) {
			row.Time = written[row.ID]
			byWrite = append(byWrite, row)
		}
		var keep []history.Keep
		for i := range 5 {
			k := history.Keep{Record: fmt.Sprint("r", i)}
			switch random.IntN(4) {
			case 0:
				k.Before = 10_000*round + random.Int64N(40) - 9000*random.Int64N(3)
			case 1:
				k.MaxRows = 1 + random.Int64N(60)
			case 2:
				k.Before, k.MaxRows, k.MaxBytes = 10_000*(round-1)+random.Int64N(20), 1+random.Int64N(60), 1+random.Int64N(120)
			case 3:
				continue
			}
			keep = append(keep, k)
		}
		left, want := byWrite.pruned(keep)
		preview, report := prune(t, s, history.PrunePlan{Keep: keep})
		for name, got := range map[string]history.PruneReport{"preview": preview, "report": report} {
			if fmt.Sprint(got.Records, got.Rows, got.Bytes) != fmt.Sprint(want.Records, want.Rows, want.Bytes) {
				t.Fatalf("round %d, %+v: the %s is %+v, want %+v", round, keep, name, got, want)
			}
		}
		ids := func(rows []history.Row) (all []int64) {
			for _, row := range rows {
				all = append(all, row.ID)
			}
			slices.Sort(all)
			return all
		}
		if got := ids(everything(t, s)); !slices.Equal(got, ids(left)) {
			t.Fatalf("round %d, %+v: other rows are left", round, keep)
		}
		for record, n := range ownTimes(t, s) {
			if n.Without != 0 {
				t.Fatalf("round %d: %d rows of %s have lost the times of their writes", round, n.Without, record)
			}
		}
	}
}

func (x Target) ownCounts(t *testing.T) {
	s := x.open(t)
	newFeed(s).write(t, late("a", 900, 2000, "1"), late("a", 800, 2000, "2"), row("b", 2000, "3"), late("it's", 1, 2000, "4"))
	a, b, c := history.EventTimes{With: 2}, history.EventTimes{Without: 1}, history.EventTimes{With: 1}
	for _, one := range []struct {
		names []string
		want  map[string]history.EventTimes
	}{
		{nil, map[string]history.EventTimes{"a": a, "b": b, "it's": c}},
		{[]string{"b"}, map[string]history.EventTimes{"b": b}},
		{[]string{"a", "it's", "none"}, map[string]history.EventTimes{"a": a, "it's": c}},
		{[]string{"none"}, map[string]history.EventTimes{}},
	} {
		if got := ownTimes(t, s, one.names...); !maps.Equal(got, one.want) {
			t.Errorf("of %q: %v, want %v", one.names, got, one.want)
		}
	}
}

func ownTimes(t *testing.T, s Store, records ...string) map[string]history.EventTimes {
	t.Helper()
	all, err := s.(history.EventTimed).EventTimes(t.Context(), records...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (x Target) storedSince(t *testing.T) {
	s := x.open(t)
	newFeed(s).write(t, late("a", 900, 2000, "1"), row("b", 2000, "2"))
	f := newFeed(s)
	f.at.Sequence, f.have = 2, history.Position{Log: "log", Sequence: 2}
	f.write(t, late("a", 100, 200_000, "3"), row("b", 200_000, "4"))
	since, descending := int64(150_000), []string{"b 200000 4", "a 100 3"}
	q := history.RangeQuery{Pattern: pattern(t, "#"), StoredSince: &since, Descending: true}
	same(t, collect(t, s.Range(t.Context(), q)), descending...)
	q.Descending = false
	same(t, collect(t, s.Range(t.Context(), q)), descending[1], descending[0])
	since = 300_000
	same(t, collect(t, s.Range(t.Context(), q)))
}

func (x Target) retime(t *testing.T) {
	s := x.open(t)
	f := newFeed(s)
	f.write(t, row("a", 1000, "50"), row("b", 1000, "50"), row("a", 1001, "40"))
	f.write(t, row("a", 900, "null"), row("a", 70_000_000, "30"))
	timed := s.(history.EventTimed)
	own := func(row history.Row) (ms int64, has bool) {
		n, err := fmt.Sscan(string(row.Value), &ms)
		return ms, n == 1 && err == nil
	}
	changed := 0
	count := func(n int) { changed += n }
	for range 2 {
		if err := timed.Retime(t.Context(), "a", own, count); err != nil || changed != 4 {
			t.Fatalf("%d rows were changed, %v", changed, err)
		}
	}
	same(t, collect(t, s.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, "#")})), "a 30 30", "a 40 40", "a 50 50", "a 900 null", "b 1000 50")
	if got := fmt.Sprint(ownTimes(t, s)); got != "map[a:{4 0} b:{0 1}]" {
		t.Errorf("with event times on: %s", got)
	}
	same(t, collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, "a"), Limit: 9, By: history.ByStoring})), "a 30 30", "a 900 null", "a 40 40", "a 50 50")
	if verifier, can := s.(history.Verifier); can {
		if v, err := verifier.Verify(t.Context()); err != nil || len(v.Damaged)+len(v.Problems) > 0 {
			t.Errorf("%+v, %v", v, err)
		}
	}
	_, report := prune(t, s, history.PrunePlan{Keep: []history.Keep{{Record: "a", Before: 950}}})
	if report.Rows != 1 {
		t.Errorf("a limit of age took %d rows", report.Rows)
	}
	if err := timed.Retime(t.Context(), "a", nil, count); err != nil || changed != 7 {
		t.Errorf("off: %d rows were changed, %v", changed, err)
	}
	if got := fmt.Sprint(ownTimes(t, s)); got != "map[a:{0 3} b:{0 1}]" {
		t.Errorf("with event times off: %s", got)
	}
	left := collect(t, s.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, "a")}))
	if len(left) != 3 || left[0].Time < 1000 || left[0].Time > 1001 || left[2].Time != 70_000_000 {
		t.Errorf("off, the rows are %q", texts(left))
	}
	f.write(t, row("a", 70_000_001, "7"))
	same(t, collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, "a"), Limit: 1, By: history.ByStoring})), "a 70000001 7")
	if got := fmt.Sprint(ownTimes(t, s)["a"]); got != "{0 4}" {
		t.Errorf("a row after that: %s", got)
	}
}
