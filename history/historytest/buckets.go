package historytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

func (x Target) bucketTable(t *testing.T) {
	s := x.open(t)
	refused := newFeed(s).write(t, // a store may refuse what is no JSON
		row("a", -1, `{"v":[1]}`), row("a", 0, `{"v":[4]}`), row("a", 3, `{"v":[-2.5]}`), row("a", 9, `{"v":[1]}`),
		row("a", 5, `{"v":[null]}`), row("a", 6, `{}`), row("a", 7, `{"v":["7"]}`), row("a", 8, `{broken`),
		row("a", 20, `[]`), row("b", 1, `{"v":{"0":5}}`), row("b", 2, `{"v":[true]}`), row("b", 3, `{"v":[1e3]}`))
	buckets := func(q history.BucketQuery) (got []string) {
		for _, b := range collect(t, s.Buckets(t.Context(), q)) {
			got = append(got, fmt.Sprintf("%+v", b))
		}
		return got
	}
	q := history.BucketQuery{Pattern: pattern(t, "#"), Width: 10 * time.Millisecond, Path: "v[0]"}
	want := []string{
		"{Record:a Start:-10 Count:1 Missing:0 NotNumeric:0 Min:1 Max:1 Mean:1 Sum:1 First:1 Last:1}",
		fmt.Sprintf("{Record:a Start:0 Count:3 Missing:2 NotNumeric:%d Min:-2.5 Max:4 Mean:0.8333333333333334 Sum:2.5 First:4 Last:1}", 2-refused),
		"{Record:a Start:20 Count:0 Missing:1 NotNumeric:0 Min:0 Max:0 Mean:0 Sum:0 First:0 Last:0}",
		"{Record:b Start:0 Count:1 Missing:1 NotNumeric:1 Min:1000 Max:1000 Mean:1000 Sum:1000 First:1000 Last:1000}",
	}
	if got := buckets(q); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	start, end := int64(3), int64(7)
	q.Window, q.Pattern = history.Window{Start: &start, End: &end}, pattern(t, "a")
	want = []string{"{Record:a Start:0 Count:1 Missing:2 NotNumeric:1 Min:-2.5 Max:-2.5 Mean:-2.5 Sum:-2.5 First:-2.5 Last:-2.5}"}
	if got := buckets(q); !slices.Equal(got, want) {
		t.Errorf("in a window: got  %q\nwant %q", got, want)
	}
}

// bucketRule checks values that JSON readers differ on, and numbers that a
// float64 cannot hold. One such value costs no other one its place.
func (x Target) bucketRule(t *testing.T) {
	s := x.open(t)
	refused := newFeed(s).write(t,
		row("large", 1, `{"x":1e999}`), row("large", 2, `{"x":3}`), row("large", 3, `{"x":-1e400}`),
		row("names", 1, `{"x":1,"x":2}`), row("names", 2, `{"x":1,"\u0078":"2"}`),
		row("sum", 1, `{"x":1.7e308}`), row("sum", 2, `{"x":1.7e308}`), row("sum", 3, `{"x":-1}`),
		row("tiny", 1, `{"x":1e-999}`),
		row("utf8", 1, "{\"x\":1,\"y\":\"\xff\"}"), row("utf8", 2, "\ufeff{\"x\":1}"), row("utf8", 3, `{"x":1}`))
	type numbers struct {
		count, notNumeric int64
		sum               float64
	}
	want := map[string]numbers{
		"large": {1, 2, 3}, "names": {1, 1, 2}, "sum": {2, 1, 1.7e308}, "tiny": {1, 0, 0}, "utf8": {1, 2 - refused, 1},
	}
	q := history.BucketQuery{Pattern: pattern(t, "#"), Width: time.Hour, Path: "x"}
	got := map[string]numbers{}
	for _, b := range collect(t, s.Buckets(t.Context(), q)) {
		got[b.Record] = numbers{b.Count, b.NotNumeric, b.Sum}
	}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// bucketLimits: numbers that no float64 holds spoil neither their bucket nor the
// others.
func (x Target) bucketLimits(t *testing.T) {
	s := x.open(t)
	newFeed(s).write(t,
		row("a", 1, `{"x":1e999}`), row("a", 2, `{"x":-1e999}`), row("a", 3, `{"x":7}`), row("a", 10, `{"x":8}`),
		row("b", 1, `{"x":1.7e308}`), row("b", 2, `{"x":1.7e308}`), row("b", 3, `{"x":-1}`), row("c", 1, `{"x":9}`))
	buckets := collect(t, s.Buckets(t.Context(), history.BucketQuery{Pattern: pattern(t, "#"), Width: 10 * time.Millisecond, Path: "x"}))
	var got []string
	for _, b := range buckets {
		if _, err := json.Marshal(b); err != nil {
			t.Error(err)
		}
		got = append(got, fmt.Sprint(b.Record, b.Start, " ", b.Count, b.NotNumeric, b.Missing, " ", b.Min, b.Max, b.Sum, b.Last))
	}
	want := []string{"a0 1 2 0 7 7 7 7", "a10 1 0 0 8 8 8 8", "b0 2 1 0 -1 1.7e+308 1.7e+308 -1", "c0 1 0 0 9 9 9 9"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
