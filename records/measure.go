package records

import (
	"errors"
	"fmt"
	"math"
	"sync"
)

// SignalOf selects a number in the values of a record, for statistics. Producers
// call Value, so it must be fast and must not produce. If it panics, or returns NaN
// or an infinity, the value counts as Invalid.
type SignalOf[T any] struct {
	Name, Unit string
	Value      func(T) float64
}

// SignalStats are the statistics of a signal since the start or the last reset.
type SignalStats struct {
	Signal, Unit         string
	Count, Invalid       uint64
	Last, Min, Max, Mean float64
}

// signalMeter collects the statistics of a signal.
type signalMeter struct {
	mu      sync.Mutex
	current SignalStats
}

// signalFrom returns the signal of a configuration, nil if it has none.
func signalFrom[T any](c Config) (*SignalOf[T], error) {
	if c.Signal == nil {
		return nil, nil
	}
	s, ok := c.Signal.(*SignalOf[T])
	switch {
	case !ok:
		var want *SignalOf[T]
		return nil, fmt.Errorf("its signal is a %T and not a %T", c.Signal, want)
	case s == nil || s.Value == nil:
		return nil, errors.New("its signal has no Value function")
	case s.Name == "":
		return nil, errors.New("its signal has no name")
	}
	return s, nil
}

// measure adds one value to the statistics.
func (r *Record[T]) measure(v T) {
	x := math.NaN()
	func() {
		defer func() { _ = recover() }() // counted as Invalid below
		x = r.signal.Value(v)
	}()
	r.untyped.signal.add(x)
}

func (m *signalMeter) add(x float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &m.current
	if math.IsNaN(x) || math.IsInf(x, 0) {
		s.Invalid++
		return
	}
	if s.Count == 0 {
		s.Min, s.Max = x, x
	}
	s.Count++
	s.Last, s.Min, s.Max = x, min(s.Min, x), max(s.Max, x)
	n := float64(s.Count)
	s.Mean += x/n - s.Mean/n // in this order it does not overflow
}

// stats returns nil until the first value.
func (m *signalMeter) stats() *SignalStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.current
	if s.Count == 0 && s.Invalid == 0 {
		return nil
	}
	return &s
}

func (m *signalMeter) reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current = SignalStats{Signal: m.current.Signal, Unit: m.current.Unit}
}
