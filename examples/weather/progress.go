package weather

import (
	"context"
	"sync"
	"time"
)

// progress tells the source how far the validators have come.
type progress struct {
	mu      sync.Mutex
	done    map[string]time.Time
	changed chan struct{} // closed and replaced at each change
}

func newProgress() *progress {
	return &progress{done: map[string]time.Time{}, changed: make(chan struct{})}
}

// reached says that a city's validator is through with a time.
func (p *progress) reached(city string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done[city] = at
	close(p.changed)
	p.changed = make(chan struct{})
}

// wait returns when all cities of the step are through with it.
func (p *progress) wait(ctx context.Context, s Step) error {
	for {
		changed, through := p.state(s)
		if through {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *progress) state(s Step) (changed <-chan struct{}, through bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range s.Values {
		if p.done[t.City].Before(t.ValidAt) {
			return p.changed, false
		}
	}
	return p.changed, true
}
