package histogram

import (
	"slices"
	"sync"
)

// Histogram counts observations. It is safe for concurrent use.
type Histogram struct {
	bounds []float64

	mu     sync.Mutex
	counts []uint64 // one more than bounds
	sum    float64
}

// Snapshot is a histogram at one moment. Counts[i] is the number of observations up to
// Bounds[i] and above the bound before; the last one is of those above all bounds.
type Snapshot struct {
	Bounds []float64
	Counts []uint64
	Sum    float64
}

// New returns a histogram with buckets up to each of the bounds, which are ascending.
func New(bounds ...float64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]uint64, len(bounds)+1)}
}

// Seconds returns a histogram of durations from half a millisecond to half a minute.
func Seconds() *Histogram {
	return New(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
}

// Sizes returns a histogram of numbers from 1 to 4096.
func Sizes() *Histogram { return New(1, 4, 16, 64, 256, 1024, 4096) }

// Observe counts one observation.
func (h *Histogram) Observe(x float64) {
	i, _ := slices.BinarySearch(h.bounds, x)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[i]++
	h.sum += x
}

// Snapshot returns what was counted so far.
func (h *Histogram) Snapshot() Snapshot {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Snapshot{Bounds: h.bounds, Counts: slices.Clone(h.counts), Sum: h.sum}
}

// Count returns the number of observations.
func (s Snapshot) Count() (n uint64) {
	for _, c := range s.Counts {
		n += c
	}
	return n
}
