package historytest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// randomRows makes rows of five records at few times, so that many share one.
func randomRows(random *rand.Rand, n int, times int64) []history.Row {
	rows := make([]history.Row, n)
	for i := range rows {
		rows[i] = row(fmt.Sprint("r", random.IntN(5)), random.Int64N(times), fmt.Sprint(random.IntN(1000)))
	}
	return rows
}

func randomPattern(t testing.TB, random *rand.Rand) key.Pattern {
	return pattern(t, []string{"#", "r1", "*", "none"}[random.IntN(4)])
}

func randomWindow(random *rand.Rand, times int64) (w history.Window) {
	start, end := random.Int64N(times/2), times/2+random.Int64N(times/2)
	if random.IntN(3) > 0 {
		w.Start = &start
	}
	if random.IntN(3) > 0 {
		w.End = &end
	}
	return w
}

func (x Target) rangeTable(t *testing.T) {
	s := x.open(t)
	f := newFeed(s)
	for _, one := range []history.Row{row("b", 5, "1"), row("a", 7, "2"), row("b", 9, "3"), row("a", 9, "4"), row("b", 8, "5")} {
		f.write(t, one)
	}
	query := func(q history.RangeQuery) []history.Row {
		q.Pattern = pattern(t, "#")
		return collect(t, s.Range(t.Context(), q))
	}
	all := query(history.RangeQuery{})
	same(t, all, "b 5 1", "a 7 2", "b 8 5", "b 9 3", "a 9 4")
	same(t, query(history.RangeQuery{Descending: true}), "a 9 4", "b 9 3", "b 8 5", "a 7 2", "b 5 1")
	same(t, query(history.RangeQuery{PerRecord: 1}), "b 5 1", "a 7 2")
	same(t, query(history.RangeQuery{Total: 2, Descending: true}), "a 9 4", "b 9 3")
	seven, eight := int64(7), int64(8)
	same(t, query(history.RangeQuery{Window: history.Window{Start: &seven, End: &eight}}), "a 7 2", "b 8 5")
	same(t, query(history.RangeQuery{MaxID: all[1].ID}), "b 5 1", "a 7 2")
	after := all[3].Point()
	same(t, query(history.RangeQuery{After: &after}), "a 9 4")
	same(t, query(history.RangeQuery{After: &after, Descending: true}), "b 8 5", "a 7 2", "b 5 1")
}

func (x Target) rangeRandom(t *testing.T) {
	random, s := random(t), x.open(t)
	f := newFeed(s)
	written := map[string][]string{}
	for range 20 {
		rows := randomRows(random, 1+random.IntN(30), 40)
		f.write(t, rows...)
		for _, row := range rows {
			written[row.Record] = append(written[row.Record], texts([]history.Row{row})...)
		}
	}
	all := model(everything(t, s))
	checkIDs(t, all, written)
	for range 300 {
		q := history.RangeQuery{
			Pattern: randomPattern(t, random), Window: randomWindow(random, 40), Descending: random.IntN(2) == 0,
			PerRecord: random.IntN(3) * 7, Total: random.IntN(2) * random.IntN(60), MaxID: int64(random.IntN(2)) * all[random.IntN(len(all))].ID,
		}
		if random.IntN(2) == 0 {
			after := all[random.IntN(len(all))].Point()
			q.After = &after
		}
		equal(t, q, collect(t, s.Range(t.Context(), q)), all.rangeOf(q))
	}
}

// checkIDs checks that the IDs of each record grow in the order of writing.
func checkIDs(t *testing.T, all model, written map[string][]string) {
	t.Helper()
	seen := map[int64]bool{}
	for _, row := range all {
		if seen[row.ID] || row.ID <= 0 {
			t.Fatalf("ID %d is there twice or not positive", row.ID)
		}
		seen[row.ID] = true
	}
	for record, want := range written {
		var rows []history.Row
		for _, row := range all {
			if row.Record == record {
				rows = append(rows, history.Row{ID: row.ID, Record: record, Time: row.ID, Value: fmt.Appendf(nil, "%d %s", row.Time, row.Value)})
			}
		}
		for i, row := range model(rows).selected(func(history.Row) bool { return true }) { // by ID, which is their time here
			if got := record + " " + string(row.Value); got != want[i] {
				t.Fatalf("row %d of %s by ID is %q, and %q was written", i, record, got, want[i])
			}
		}
	}
}

func (x Target) rangeBegan(t *testing.T) {
	for _, descending := range []bool{false, true} {
		s := x.open(t)
		f := newFeed(s)
		for n := range 10 {
			var rows []history.Row
			for i := range 1000 {
				rows = append(rows, row(fmt.Sprint("r", i%3), int64(n*1000+i), "1"))
			}
			f.write(t, rows...)
		}
		seen := 0
		for got, err := range s.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, "#"), Descending: descending}) {
			if err != nil {
				t.Fatal(err)
			}
			if seen%100 == 0 { // before, among and behind the rest
				f.write(t, row("r0", -1, "2"), row("new", got.Time, "2"), row("r1", 1e6, "2"))
			}
			if seen++; string(got.Value) != "1" {
				t.Fatalf("descending %v: row %d was stored after the range had begun: %v", descending, seen, got)
			}
		}
		if seen != 10_000 {
			t.Errorf("descending %v: %d rows of 10000", descending, seen)
		}
	}
}

func (x Target) extremes(t *testing.T) {
	s := x.open(t)
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	newFeed(s).write(t, row("a", low, "1"), row("a", high, "2"), row("a", 0, "3"))
	first, last := fmt.Sprint("a ", low, " 1"), fmt.Sprint("a ", high, " 2")
	all := pattern(t, "#")
	q := history.RangeQuery{Pattern: all, Window: history.Window{Start: &low, End: &high}}
	same(t, collect(t, s.Range(t.Context(), q)), first, "a 0 3", last)
	q.Descending = true
	same(t, collect(t, s.Range(t.Context(), q)), last, "a 0 3", first)
	same(t, collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: all, Limit: math.MaxInt})), last, "a 0 3", first)
}
