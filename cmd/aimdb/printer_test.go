package main

import (
	"errors"
	"iter"
	"strings"
	"testing"
	"time"
)

// tabled prints rows of cells in a format.
func tabled(t *testing.T, f format, l layout, rows iter.Seq2[[]any, error]) (string, error) {
	t.Helper()
	var text strings.Builder
	cmd := newRoot(func(string) string { return "" })
	cmd.SetOut(&text)
	err := printAll(cmd, f, l, rows, func(row []any) []any { return row })
	return text.String(), err
}

func TestTable(t *testing.T) {
	live := columns("KEY", "N")
	live.live, live.widths = true, []int{4}
	for name, c := range map[string]struct {
		l    layout
		rows [][]any
		want string
	}{
		"numbers are on the right": {columns("KEY", "N", "TEXT"), [][]any{{"a", 5, "x"}, {"bb", amount("-"), "y"}, {"c", uint64(1234), ""}},
			"KEY     N  TEXT\na       5  x\nbb      -  y\nc    1234\n"},
		"mixed columns are on the left": {columns("KEY", "N"), [][]any{{"a", 5}, {"b", "many"}}, "KEY  N\na    5\nb    many\n"},
		"wide characters":               {columns("KEY", "X"), [][]any{{"東京", "1"}, {"é", "2"}, {"👩‍👩‍👧", "3"}}, "KEY   X\n東京  1\né     2\n👩‍👩‍👧    3\n"},
		"control characters":            {columns("KEY"), [][]any{{"a\x1b[2J\nb"}}, "KEY\na\\u001b[2J\\u000ab\n"},
		"rows that come one by one":     {live, [][]any{{"a", "x"}, {"long-key", "y"}, {"b", "z"}}, "KEY   N\na     x\nlong-key  y\nb         z\n"},
	} {
		if got, err := tabled(t, asTable, c.l, each(c.rows)); err != nil || got != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, c.want)
		}
	}
}

// TestALongTableStaysAligned: its parts are not narrower than those before.
func TestALongTableStaysAligned(t *testing.T) {
	rows := [][]any{{"a-long-key", 1}}
	for range 3 * tableBatch {
		rows = append(rows, []any{"a", 22})
	}
	got, err := tabled(t, asTable, columns("KEY", "N"), each(rows))
	if err != nil || strings.Count(got, "\na           22\n")+strings.Count(got, "\na           22\na") < tableBatch {
		t.Errorf("%v\n%.200s", err, got)
	}
}

// TestAnArrayIsClosedAfterAnError: what was printed before an error can be read.
func TestAnArrayIsClosedAfterAnError(t *testing.T) {
	broken := errors.New("broken")
	got, err := tabled(t, asJSON, layout{}, func(yield func([]any, error) bool) {
		if yield([]any{1}, nil) {
			yield(nil, broken)
		}
	})
	if !errors.Is(err, broken) || got != "[\n[1]\n]\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCutTo(t *testing.T) {
	for _, c := range []struct {
		line  string
		width int
		want  string
	}{{"abcdef", 0, "abcdef"}, {"abcdef", 6, "abcdef"}, {"abcdef", 5, "abcd…"}, {"東京都", 5, "東京…"}, {"東京都", 4, "東…"}, {"ab", 1, "…"}} {
		if got := cutTo(c.line, c.width); got != c.want {
			t.Errorf("%s at %d is %s", c.line, c.width, got)
		}
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]amount{
		0: "0 ms", 999 * time.Millisecond: "999 ms", 3 * time.Second: "3 s", 119 * time.Second: "119 s", 2 * time.Minute: "2 min",
		3 * time.Hour: "3 h", 49 * time.Hour: "2 d",
	} {
		if got := age(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}
