package mirror

import (
	"context"
	"sync"

	"github.com/aimdb-go/aimdb/bus"
)

// current is the log that is read at present.
type current struct {
	mu      sync.Mutex
	log     *bus.Bus // nil if there is none
	reading context.Context
	changed chan struct{} // closed when another one is set
}

func (c *current) set(log *bus.Bus, reading context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log, c.reading = log, reading
	close(c.changed)
	c.changed = make(chan struct{})
}

// Log returns the log that is read at present, and a context that ends when it is not read
// any more: then the log is closed. It waits for one if the servers or the log are away.
func (m *Mirror) Log(ctx context.Context) (*bus.Bus, context.Context, error) {
	for {
		m.log.mu.Lock()
		log, reading, changed := m.log.log, m.log.reading, m.log.changed
		m.log.mu.Unlock()
		if log != nil {
			return log, reading, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}
