package mirror

import (
	"context"
	"sync"
)

// progress is how far the log was read.
type progress struct {
	mu      sync.Mutex
	read    uint64
	changed chan struct{} // closed when there is progress; nil if nobody waits
}

func (p *progress) set(read uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = read
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// past returns nil if a sequence was read, and otherwise what is closed at the next
// progress.
func (p *progress) past(sequence uint64) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.read >= sequence {
		return nil
	}
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.changed
}

// Knows waits until the record of a message of the log is registered, or cannot be. It
// reports whether it is.
func (m *Mirror) Knows(ctx context.Context, record string, sequence uint64) bool {
	for {
		progressed := m.known.past(sequence)
		if _, known := m.registry.Lookup(record); known || progressed == nil {
			return known
		}
		select {
		case <-progressed:
		case <-ctx.Done():
			return false
		}
	}
}
