package histogram

import (
	"slices"
	"testing"
)

func TestHistogram(t *testing.T) {
	h := New(1, 10)
	for _, x := range []float64{0, 1, 1.5, 10, 11, 100} {
		h.Observe(x)
	}
	s := h.Snapshot()
	h.Observe(5)
	if !slices.Equal(s.Counts, []uint64{2, 2, 2}) || s.Sum != 123.5 || s.Count() != 6 {
		t.Errorf("it counted %+v", s)
	}
	if n := testing.AllocsPerRun(100, func() { h.Observe(3) }); n != 0 {
		t.Errorf("an observation allocates %v times", n)
	}
}
