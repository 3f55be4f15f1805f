package parquet

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"

	"github.com/aimdb-go/aimdb/sinks"
)

func TestEscape(t *testing.T) {
	for key, want := range map[string]string{
		"accuracy::vienna": "accuracy%3A%3Avienna",
		"a.b_c-9":          "a.b_c-9",
		"CON":              "%43%4F%4E",
		"grün/1%":          "gr%C3%BCn%2F1%25",
		"..":               "..",
	} {
		if got := Escape(key); got != want {
			t.Errorf("%q is escaped as %q, want %q", key, got, want)
		}
	}
	whole := func(key string) bool {
		name := Escape(key)
		back, ok := Unescape(name)
		if !utf8.ValidString(key) || len(name) > maxName {
			return len(name) <= maxName
		}
		return ok && back == key || !ok && len(name) == maxName
	}
	if err := quick.Check(whole, nil); err != nil {
		t.Error(err)
	}
	long, longer := strings.Repeat("ü", 100), strings.Repeat("ü", 99)+"ä"
	if _, ok := Unescape(Escape(long)); ok || Escape(long) == Escape(longer) || len(Escape(long)) != maxName {
		t.Errorf("two long keys are %s and %s", Escape(long), Escape(longer))
	}
}

func TestPartitionOf(t *testing.T) {
	for ms, want := range map[int64]string{
		0: "record=a/day=1970-01-01", msPerDay - 1: "record=a/day=1970-01-01", msPerDay: "record=a/day=1970-01-02", -1: "record=a/day=1969-12-31",
	} {
		if got := partitionOf(sinks.Entry{Record: "a", Time: ms}).dir(); got != want {
			t.Errorf("%d ms are in %s, want %s", ms, got, want)
		}
	}
}

// TestSorter: entries come sorted by partition and else in their order, whether they fit
// into memory, into some runs, or into runs that are merged on two levels.
func TestSorter(t *testing.T) {
	for name, limit := range map[string]int{"memory": 1 << 30, "runs": 80_000, "levels": 80} {
		t.Run(name, func(t *testing.T) {
			const n = 8000
			s := newSorter(t.TempDir())
			s.limit = limit
			r := rand.New(rand.NewPCG(1, 2))
			for i := range n {
				e := sinks.Entry{Sequence: uint64(i + 1), Record: string(rune('a' + r.IntN(5))), Time: int64(r.IntN(3)) * msPerDay, Value: []byte{byte(i)}}
				if err := s.add(e); err != nil {
					t.Fatal(err)
				}
			}
			if levels := len(s.levels); name == "levels" && levels < 3 || name == "memory" && levels > 0 {
				t.Fatalf("%d levels", levels)
			}
			var last sinks.Entry
			got := 0
			for e, err := range s.sorted() {
				if err != nil {
					t.Fatal(err)
				}
				if c := partitionOf(last).compare(partitionOf(e)); c > 0 || c == 0 && last.Sequence >= e.Sequence || e.Value[0] != byte(e.Sequence-1) {
					t.Fatalf("%+v after %+v", e, last)
				}
				last = e
				got++
			}
			if err := s.close(); got != n || err != nil {
				t.Errorf("%d entries, %v", got, err)
			}
		})
	}
}
