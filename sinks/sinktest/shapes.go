package sinktest

import "testing"

// shapes writes values of several shapes, in two batches and over a restart.
func (x Target) shapes(t *testing.T) {
	dir := t.TempDir()
	s, closeSink := x.Open(t, dir)
	of := func(n int) int { return n / 4 % 3 }
	for from := 1; from < 30; from += 10 {
		b := batch("log", from, from+9)
		for i := range b.Entries {
			b.Entries[i].Shape = of(from + i)
		}
		write(t, s, b)
	}
	closeSink()
	s, closeSink = x.Open(t, dir)
	defer closeSink()
	stored := x.Entries(t, s)
	if len(stored) != 30 {
		t.Errorf("%d entries are stored, want 30", len(stored))
	}
	for _, e := range stored {
		if n := int(e.Time - entry(0).Time); e.Shape != of(n) {
			t.Errorf("the value %d of %s has the shape %d, want %d", n, e.Record, e.Shape, of(n))
		}
	}
}
