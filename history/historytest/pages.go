package historytest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aimdb-go/aimdb/history"
)

// pages reads all pages of a query; between them it lets something happen.
func pages(t *testing.T, s history.Reader, q history.PageQuery, between func()) (all []history.Row) {
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

func (x Target) pagesRandom(t *testing.T) {
	random, s := random(t), x.open(t)
	newFeed(s).write(t, randomRows(random, 400, 40)...)
	all := model(everything(t, s))
	for range 300 {
		q := history.RangeQuery{
			Pattern: randomPattern(t, random), Window: randomWindow(random, 40),
			Descending: random.IntN(2) == 0, PerRecord: random.IntN(3) * 7,
		}
		page := history.PageQuery{RangeQuery: q}
		page.Total = 1 + random.IntN(60)
		equal(t, page, pages(t, s, page, func() {}), all.rangeOf(q))
	}
}

// numbered makes rows of seven records with a time of their own each.
func numbered(n int) []history.Row {
	rows := make([]history.Row, n)
	for i := range rows {
		rows[i] = row(fmt.Sprint("r", i%7), int64(i), fmt.Sprintf(`{"n":%d}`, i))
	}
	return rows
}

func (x Target) pagesMoving(t *testing.T) {
	for _, descending := range []bool{false, true} {
		s := x.open(t)
		f, cut := newFeed(s), int64(0)
		f.write(t, numbered(3000)...)
		q := history.RangeQuery{Pattern: pattern(t, "r3"), Descending: descending, Total: 10}
		got := pages(t, s, history.PageQuery{RangeQuery: q}, func() {
			f.write(t, row("r3", 5000+int64(f.at.Sequence), `"new"`))
			cut += 7
			if _, err := s.Prune(t.Context(), history.PrunePlan{Keep: []history.Keep{{Record: "r3", Before: cut}}}); err != nil {
				t.Fatal(err)
			}
		})
		for i := 1; i < len(got); i++ {
			if a, b := got[i-1].Time, got[i].Time; a == b || a < b == descending {
				t.Fatalf("row %d: time %d follows %d", i, b, a)
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

func (x Target) pageBounds(t *testing.T) {
	s := x.open(t)
	f := newFeed(s)
	f.write(t, numbered(50)...)
	q := history.PageQuery{RangeQuery: history.RangeQuery{Pattern: pattern(t, "#")}, MaxBytes: 1}
	page, err := history.ReadPage(t.Context(), s, q)
	if err != nil || len(page.Rows) != 1 || page.Next == "" {
		t.Fatalf("a page of 1 byte has %d rows, %v; want the one that there has to be", len(page.Rows), err)
	}
	f.write(t, row("r1", 1000, "1"))
	q.MaxBytes, q.Cursor, q.MaxID = 0, page.Next, page.MaxID
	rest, err := history.ReadPage(t.Context(), s, q)
	if err != nil || len(rest.Rows) != 49 || rest.Next != "" {
		t.Errorf("the rest has %d rows, next %q, %v; want the 49 that the first page could see", len(rest.Rows), rest.Next, err)
	}
}

func (x Target) cursors(t *testing.T) {
	s, other := x.open(t), x.open(t)
	for _, store := range []Store{s, other} {
		newFeed(store).write(t, numbered(50)...)
	}
	q := history.PageQuery{RangeQuery: history.RangeQuery{Pattern: pattern(t, "#"), Total: 5}}
	page, err := history.ReadPage(t.Context(), s, q)
	cursor := page.Next
	if err != nil || cursor == "" {
		t.Fatalf("cursor %q, %v", cursor, err)
	}
	q.Cursor = cursor
	changed, flipped, old := q, q, q
	changed.Descending = true
	flipped.Cursor = cursor[:len(cursor)-2] + "zz"
	old.Cursor = "AAECAwQFBgcICQoLDA0ODxAREg" // as earlier versions made it
	for name, err := range map[string]error{
		"another history": pageError(t, other, q),
		"another query":   pageError(t, s, changed),
		"changed":         pageError(t, s, flipped),
		"older version":   pageError(t, s, old),
	} {
		var refused *history.QueryError
		if !errors.As(err, &refused) || !errors.Is(err, history.ErrBadCursor) {
			t.Errorf("%s: %v", name, err)
		}
	}
	q.Total = 7
	if err := pageError(t, s, q); err != nil {
		t.Errorf("another size: %v", err)
	}
}

func pageError(t *testing.T, s history.Reader, q history.PageQuery) error {
	_, err := history.ReadPage(t.Context(), s, q)
	return err
}
