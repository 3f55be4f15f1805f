package postgres_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

func pattern(t testing.TB, text string) key.Pattern {
	t.Helper()
	p, err := key.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestRowsByStoringComeInPages: more rows than one page has, from after a clock step and
// from before it.
func TestRowsByStoringComeInPages(t *testing.T) {
	t.Parallel()
	const rows = 10_000
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	var all []history.Row
	for i := range rows {
		all = append(all, row("a", int64(1000+i/3), fmt.Sprint(i)))
	}
	for i := range rows {
		all = append(all, row("a", int64(500+i/3), fmt.Sprint(rows+i)))
	}
	write(t, s, all...)
	slices.Reverse(all)
	got := collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, "a"), Limit: math.MaxInt, By: history.ByStoring}))
	if !slices.Equal(texts(got), texts(all)) {
		t.Errorf("%d rows, want %d in the reverse order of their storing", len(got), len(all))
	}
}

// TestNamesAreOrderedByBytes: the collation of the cluster has another order.
func TestNamesAreOrderedByBytes(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	s, stop := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stop()
	want := []string{"B", "Z.b", "a", "a.b", "a::b", "a_b", "b", "z", "ä", "ö.x"}
	var rows []history.Row
	for _, name := range want {
		rows = append(rows, row(name, 1, "1"))
	}
	slices.Reverse(rows)
	write(t, s, rows...)
	for text, want := range map[string]string{
		"#": fmt.Sprint(want), "a.*": "[a.b a::b]", "a::*": "[a.b a::b]", "a.#": "[a a.b a::b]", "*.b": "[Z.b a.b a::b]", "a.b": "[a.b a::b]", "ö.*": "[ö.x]", "%": "[]", "a_b": "[a_b]",
	} {
		if got := fmt.Sprint(names(t, s, text)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	foreign(t, dsn, "c", 1) // names come from the rows now
	if got := fmt.Sprint(names(t, s, "#"), names(t, s, "a.*"), names(t, s, "*")); got != "[B Z.b a a.b a::b a_b b c z ä ö.x] [a.b a::b] [B a a::b a_b b c z ä]" {
		t.Error(got)
	}
}
