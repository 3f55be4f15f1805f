package sqlite_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// pages reads all pages of a query; between them it lets something happen.
func pages(t *testing.T, s *sqlite.Store, q history.PageQuery, between func()) (all []history.Row) {
	t.Helper()
	for {
		page, err := history.ReadPage(t.Context(), s, q)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, page.Rows...); page.Next == "" {
			return all
		}
		q.Cursor = page.Next
		between()
	}
}

// TestPagesAreLikeOneRange compares pages of every kind with a model that
// sorts all rows.
func TestPagesAreLikeOneRange(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	s := start(t, file(t))
	var all []history.Row
	var entries []sinks.Entry
	for i := range 400 { // few times, so that many rows share one
		row := history.Row{Record: fmt.Sprint("r", random.IntN(5)), Time: random.Int64N(40), Value: fmt.Append(nil, i)}
		all = append(all, row)
		entries = append(entries, sinks.Entry{Record: row.Record, Time: row.Time, Value: row.Value})
	}
	write(t, s, batch(1, entries...))
	slices.SortStableFunc(all, func(a, b history.Row) int { return strings.Compare(a.Record, b.Record) })
	for i := range all { // a batch is stored record by record
		all[i].ID = int64(i + 1)
	}
	for range 300 {
		start, end := random.Int64N(20), 20+random.Int64N(20)
		q := history.RangeQuery{
			Pattern: pattern(t, []string{"#", "r1", "*"}[random.IntN(3)]), Window: history.Window{Start: &start, End: &end},
			Descending: random.IntN(2) == 0, PerRecord: random.IntN(3) * 7, Total: 1 + random.IntN(60),
		}
		got, want := pages(t, s, history.PageQuery{RangeQuery: q}, func() {}), model(all, q)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("query %+v: %d rows, want %d:\ngot  %.300v\nwant %.300v", q, len(got), len(want), fmt.Sprint(got), fmt.Sprint(want))
		}
	}
}

func model(all []history.Row, q history.RangeQuery) (want []history.Row) {
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b history.Row) int {
		order := int(a.Time - b.Time)
		if order == 0 {
			order = int(a.ID - b.ID)
		}
		if q.Descending {
			order = -order
		}
		return order
	})
	given := map[string]int{}
	for _, row := range sorted {
		if !q.Pattern.Match(row.Record) || row.Time < *q.Window.Start || row.Time > *q.Window.End {
			continue
		}
		if given[row.Record]++; q.PerRecord > 0 && given[row.Record] > q.PerRecord {
			continue
		}
		want = append(want, row)
	}
	return want
}

func TestPagesStayRightWhileRowsComeAndGo(t *testing.T) {
	for _, descending := range []bool{false, true} {
		s := start(t, file(t))
		write(t, s, batch(1, numbered(3000)...))
		sequence, cut := uint64(3001), int64(0)
		got := pages(t, s, history.PageQuery{RangeQuery: history.RangeQuery{Pattern: pattern(t, "r3"), Descending: descending, Total: 10}}, func() {
			write(t, s, batch(sequence, entry("r3", 5000+int64(sequence), `"new"`)))
			sequence++
			cut += 7
			if _, err := s.Prune(t.Context(), history.PrunePlan{Keep: []history.Keep{{Record: "r3", Before: cut}}}); err != nil {
				t.Fatal(err)
			}
		})
		for i := 1; i < len(got); i++ {
			if a, b := got[i-1].Time, got[i].Time; a == b || a < b == descending {
				t.Fatalf("row %d: time %d behind %d", i, b, a)
			}
		}
		old := 0
		for _, row := range got {
			if string(row.Value) != `"new"` {
				old++
			}
		}
		if old < 350 { // of 429, only those pruned before they were read may be missing
			t.Errorf("descending %v: only %d rows of those that stayed", descending, old)
		}
	}
}

func TestCursorBelongsToDatabaseAndQuery(t *testing.T) {
	s, other := start(t, file(t)), start(t, file(t))
	for _, store := range []*sqlite.Store{s, other} {
		write(t, store, batch(1, numbered(50)...))
	}
	q := history.PageQuery{RangeQuery: history.RangeQuery{Pattern: pattern(t, "#"), Total: 5}}
	page, err := history.ReadPage(t.Context(), s, q)
	cursor := page.Next
	if err != nil || cursor == "" {
		t.Fatalf("cursor %q, %v", cursor, err)
	}
	q.Cursor = cursor
	changed := q
	changed.Descending = true
	flipped := q
	flipped.Cursor = cursor[:len(cursor)-2] + "zz"
	for name, err := range map[string]error{
		"another database": pageError(t, other, q),
		"another query":    pageError(t, s, changed),
		"changed":          pageError(t, s, flipped),
	} {
		var asked *history.QueryError
		if !errors.As(err, &asked) || !errors.Is(err, history.ErrBadCursor) {
			t.Errorf("%s: %v", name, err)
		}
	}
	q.Total = 7
	if err := pageError(t, s, q); err != nil {
		t.Errorf("another size: %v", err)
	}
}

func pageError(t *testing.T, s *sqlite.Store, q history.PageQuery) error {
	_, err := history.ReadPage(t.Context(), s, q)
	return err
}

func TestQueriesThatCannotBeAnswered(t *testing.T) {
	s := start(t, file(t))
	one, two := int64(1), int64(2)
	backwards := history.Window{Start: &two, End: &one}
	all := pattern(t, "#")
	var asked *history.QueryError
	for i, q := range []history.RangeQuery{
		{Pattern: all, Window: backwards}, {}, {Pattern: all, Total: -1}, {Pattern: all, PerRecord: -1},
	} {
		for _, err := range s.Range(t.Context(), q) {
			if !errors.As(err, &asked) {
				t.Errorf("range %d: %v", i, err)
			}
		}
		if err := pageError(t, s, history.PageQuery{RangeQuery: q}); !errors.As(err, &asked) {
			t.Errorf("page of range %d: %v", i, err)
		}
	}
	for i, q := range []history.PageQuery{
		{RangeQuery: history.RangeQuery{Pattern: all}, Cursor: "x"}, {RangeQuery: history.RangeQuery{Pattern: all, Total: math.MaxInt - 1}},
	} {
		if err := pageError(t, s, q); !errors.As(err, &asked) {
			t.Errorf("page %d: %v", i, err)
		}
	}
	for i, q := range []history.LatestQuery{{Pattern: all}, {Pattern: all, Limit: -5}, {Limit: 1}, {Pattern: all, Limit: 1, Window: backwards}, {Pattern: all, Limit: 1, By: 7},
		{Pattern: all, Limit: 1, By: history.ByStoring, Window: history.Window{Start: &one}}} {
		for _, err := range s.Latest(t.Context(), q) {
			if !errors.As(err, &asked) {
				t.Errorf("latest %d: %v", i, err)
			}
		}
	}
	for _, path := range []string{"a..b", "a[", "a[x]", "a[-1]", `a"b`, "[1]x", `"a`, "a.", "$$.", `a\b`, "a]"} {
		for _, err := range s.Buckets(t.Context(), history.BucketQuery{Pattern: all, Width: 1e9, Path: path}) {
			if !errors.As(err, &asked) {
				t.Errorf("path %q: %v", path, err)
			}
		}
	}
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	write(t, s, batch(1, entry("a", low, "1"), entry("a", high, "2"), entry("a", 0, "3")))
	same(t, texts(t, s.Range(t.Context(), history.RangeQuery{Pattern: all, Window: history.Window{Start: &low, End: &high}})),
		fmt.Sprint("a ", low, " 1"), "a 0 3", fmt.Sprint("a ", high, " 2"))
	same(t, texts(t, s.Latest(t.Context(), history.LatestQuery{Pattern: all, Limit: math.MaxInt})),
		fmt.Sprint("a ", high, " 2"), "a 0 3", fmt.Sprint("a ", low, " 1"))
}
