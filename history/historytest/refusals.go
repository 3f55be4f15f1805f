package historytest

import (
	"errors"
	"iter"
	"math"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

func (x Target) refusals(t *testing.T) {
	s, all := x.open(t), pattern(t, "#")
	newFeed(s).write(t, row("a", 1, "1"))
	one, two := int64(1), int64(2)
	backwards := history.Window{Start: &two, End: &one}
	for i, q := range []history.RangeQuery{
		{Pattern: all, Window: backwards}, {}, {Pattern: all, Total: -1}, {Pattern: all, PerRecord: -1},
	} {
		refused(t, "range", i, s.Range(t.Context(), q))
		refusedPage(t, i, s, history.PageQuery{RangeQuery: q})
	}
	for i, q := range []history.PageQuery{
		{RangeQuery: history.RangeQuery{Pattern: all}, Cursor: "x"},
		{RangeQuery: history.RangeQuery{Pattern: all, Total: math.MaxInt - 1}},
	} {
		refusedPage(t, i, s, q)
	}
	for i, q := range []history.LatestQuery{
		{Pattern: all}, {Pattern: all, Limit: -5}, {Limit: 1}, {Pattern: all, Limit: 1, Window: backwards}, {Pattern: all, Limit: 1, By: 7},
		{Pattern: all, Limit: 1, By: history.ByStoring, Window: history.Window{Start: &one}},
	} {
		refused(t, "latest", i, s.Latest(t.Context(), q))
	}
	for i, path := range []string{"a..b", "a[", "a[x]", "a[-1]", `a"b`, "[1]x", `"a`, "a.", "$$.", `a\b`, "a]"} {
		refused(t, "path", i, s.Buckets(t.Context(), history.BucketQuery{Pattern: all, Width: time.Second, Path: path}))
	}
	for i, q := range []history.BucketQuery{
		{Pattern: all}, {Pattern: all, Width: time.Microsecond}, {Pattern: all, Width: time.Millisecond + 1}, {Width: time.Second},
		{Pattern: all, Width: time.Second, Window: backwards},
	} {
		refused(t, "buckets", i, s.Buckets(t.Context(), q))
	}
}

// refused checks that a sequence is one QueryError.
func refused[T any](t *testing.T, what string, i int, seq iter.Seq2[T, error]) {
	t.Helper()
	n := 0
	for _, err := range seq {
		var refusal *history.QueryError
		if n++; !errors.As(err, &refusal) {
			t.Errorf("%s %d: %v", what, i, err)
		}
	}
	if n != 1 {
		t.Errorf("%s %d has %d elements, want one error", what, i, n)
	}
}

func refusedPage(t *testing.T, i int, s history.Reader, q history.PageQuery) {
	t.Helper()
	var refusal *history.QueryError
	if err := pageError(t, s, q); !errors.As(err, &refusal) {
		t.Errorf("page %d: %v", i, err)
	}
}
