package weather

import (
	"context"
	"sync"
	"time"
)

// progress holds the time up to which each validator is done.
type progress struct {
	mu      sync.Mutex
	done    map[string]time.Time
	changed chan struct{} // closed and replaced at each change
}

func newProgress() *progress {
	return &progress{done: map[string]time.Time{}, changed: make(chan struct{})}
}

// reached records that a city's validator is done with a time.
func (p *progress) reached(city string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done[city] = at
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait returns when the validators of all cities in the step are done with it.
func (p *progress) wait(ctx context.Context, s Step) error {
	for {
		changed, done := p.state(s)
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *progress) state(s Step) (changed <-chan struct{}, done bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range s.Values {
		if p.done[t.City].Before(t.ValidAt) {
			return p.changed, false
		}
	}
	return p.changed, true
}
