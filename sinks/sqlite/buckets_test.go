package sqlite_test

import (
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

func TestBucketsLeaveOutNumbersThatOverflow(t *testing.T) {
	s := start(t, file(t))
	write(t, s, batch(1,
		entry("large", 1, `{"x":1e999}`), entry("large", 2, `{"x":3}`), entry("large", 3, `{"x":-1e400}`),
		entry("sum", 1, `{"x":1.7e308}`), entry("sum", 2, `{"x":1.7e308}`), entry("sum", 3, `{"x":-1}`),
		entry("tiny", 1, `{"x":1e-999}`)))
	want := map[string]history.Bucket{
		"large": {Count: 1, NotNumeric: 2, Sum: 3},
		"sum":   {Count: 2, NotNumeric: 1, Sum: 1.7e308},
		"tiny":  {Count: 1},
	}
	for b, err := range s.Buckets(t.Context(), history.BucketQuery{Pattern: pattern(t, "#"), Width: time.Hour, Path: "x"}) {
		if err != nil {
			t.Fatal(err)
		}
		if w := want[b.Record]; b.Count != w.Count || b.NotNumeric != w.NotNumeric || b.Sum != w.Sum {
			t.Errorf("%+v, want %+v", b, w)
		}
		delete(want, b.Record)
	}
	if len(want) > 0 {
		t.Errorf("no bucket of %v", want)
	}
}
