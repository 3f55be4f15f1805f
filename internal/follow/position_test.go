package follow

import (
	"math"
	"testing"

	"github.com/aimdb-go/aimdb/history"
)

// FuzzPosition: a text that is taken for a position is the text of that position, and a
// changed one is refused.
func FuzzPosition(f *testing.F) {
	from := int64(-5)
	for _, p := range []Position{
		{boundary: (&boundary{Pattern: "#", Log: "l", MaxID: -1}).encode()},
		{boundary: (&boundary{Pattern: "a::*", From: &from, Log: "l", Sequence: math.MaxUint64, MaxID: 7}).encode(), row: history.Point{Time: -1, ID: 9}},
		{boundary: (&boundary{Pattern: "a.b", Log: "aimdb/X", Sequence: 1}).encode(), live: true, sequence: math.MaxUint64, row: history.Point{Time: math.MinInt64}},
	} {
		text := p.String()
		got, err := Parse(text)
		if err != nil || got.String() != text || got.after() != p.after() || got.row != p.row || got.boundary.Pattern != p.boundary.Pattern || got.boundary.MaxID != p.boundary.MaxID {
			f.Fatalf("%s is read as %+v, %v", text, got, err)
		}
		for i := range text {
			for _, c := range []byte("Az09.-") {
				changed := []byte(text)
				if changed[i] = c; string(changed) == text {
					continue
				}
				if _, err := Parse(string(changed)); err == nil {
					f.Fatalf("%s is taken for a position", changed)
				}
			}
		}
		if _, err := Parse(p.boundary.base); err == nil {
			f.Fatal("a position without its place is taken for an older one")
		}
		f.Add(text)
		f.Add(text[:len(text)/2])
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err == nil && p.String() != text {
			t.Errorf("%q is read as %q", text, p.String())
		}
	})
}
