package records

import (
	"sync"
	"time"
)

// StageMetrics are the counters of one stage.
type StageMetrics struct {
	// Type is "source", "tap" or "transform", which includes joins. Index is the
	// ordinal of a tap of its record, from 0.
	Type, Name string
	Index      int
	// Calls counts the calls of the function that returned no error, for a source
	// the values it emitted after another one. Failures counts panics and errors.
	Calls, Failures uint64
	// Total, Min and Max are the durations of calls, for a source those between
	// a value and the next one of the same start.
	Total, Min, Max time.Duration
}

// profile measures the calls of a stage.
type profile struct {
	mu      sync.Mutex
	current StageMetrics
	// begun and returned count calls and are never reset.
	begun, returned uint64
}

// call measures one call. It does not count a call that panics or fails.
func (p *profile) call(fn func() error) error {
	p.mu.Lock()
	p.begun++
	p.mu.Unlock()
	start := time.Now()
	if err := fn(); err != nil {
		return err
	}
	p.took(time.Since(start))
	return nil
}

func (p *profile) took(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := &p.current
	if m.Calls == 0 {
		m.Min = d
	}
	m.Calls++
	p.returned++
	m.Total += d
	m.Min, m.Max = min(m.Min, d), max(m.Max, d)
}

// progressed notes a call without a duration.
func (p *profile) progressed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.returned++
}

func (p *profile) fail() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current.Failures++
}

// counts returns how many calls have begun and how many have returned.
func (p *profile) counts() (begun, returned uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.begun, p.returned
}

func (p *profile) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = StageMetrics{}
}

// metrics returns the counters of the stage.
func (s *stage) metrics() StageMetrics {
	s.profile.mu.Lock()
	m := s.profile.current
	s.profile.mu.Unlock()
	m.Type, m.Name, m.Index = s.kind.String(), s.name, s.index
	if s.kind == JoinStage {
		m.Type = TransformStage.String()
	}
	return m
}
