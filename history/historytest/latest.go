package historytest

import (
	"fmt"
	"testing"

	"github.com/aimdb-go/aimdb/history"
)

func (x Target) latestTable(t *testing.T) {
	s := x.open(t)
	newFeed(s).write(t, row("b", 5, "1"), row("a::x", 7, "2"), row("b", 9, "3"), row("b", 9, "4"), row("b", 8, "5"))
	latest := func(text string, limit int, w history.Window) []history.Row {
		return collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, text), Limit: limit, Window: w}))
	}
	same(t, latest("#", 1, history.Window{}), "a::x 7 2", "b 9 4")
	same(t, latest("#", 3, history.Window{}), "a::x 7 2", "b 9 4", "b 9 3", "b 8 5")
	same(t, latest("a.*", 9, history.Window{}), "a::x 7 2")
	eight := int64(8)
	same(t, latest("b", 1, history.Window{End: &eight}), "b 8 5")
	same(t, latest("none", 1, history.Window{}))
}

func (x Target) latestRandom(t *testing.T) {
	random, s := random(t), x.open(t)
	f := newFeed(s)
	for range 20 {
		f.write(t, randomRows(random, 1+random.IntN(30), 40)...)
	}
	all := model(everything(t, s))
	for range 300 {
		q := history.LatestQuery{Pattern: randomPattern(t, random), Limit: 1 + random.IntN(30), Window: randomWindow(random, 40)}
		equal(t, q, collect(t, s.Latest(t.Context(), q)), all.latest(q))
	}
}

// latestByStoring sets the clock back now and then, opens the store again, and
// lets batches fail and come again.
func (x Target) latestByStoring(t *testing.T) {
	random, dir := random(t), t.TempDir()
	s, closeStore := x.Open(t, dir)
	defer func() { closeStore() }()
	f, now := newFeed(s), int64(1000)
	for n := range 150 {
		var rows []history.Row
		for range 1 + random.IntN(6) {
			if now += int64(random.IntN(4)); random.IntN(12) == 0 {
				now -= int64(random.IntN(100))
			}
			rows = append(rows, row([]string{"a", "b", "c"}[random.IntN(3)], now, fmt.Sprint(n)))
		}
		if x.Failing != nil && n%7 == 3 {
			failed := *f
			x.Failing(t, s, func() {
				if err := s.Write(t.Context(), failed.batch(rows...)); err == nil {
					t.Fatal("the batch was to fail")
				}
			})
		}
		f.write(t, rows...)
		if n%10 == 9 {
			closeStore()
			s, closeStore = x.Open(t, dir)
			f.store = s
		}
		all := model(everything(t, s))
		for _, text := range []string{"a", "b", "c", "#"} {
			q := history.LatestQuery{Pattern: pattern(t, text), Limit: 1 + random.IntN(20), By: history.ByStoring}
			equal(t, fmt.Sprint("batch ", n), collect(t, s.Latest(t.Context(), q)), all.latest(q))
		}
	}
}
