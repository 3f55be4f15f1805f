package mcp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
)

// maxConnections bounds the connections of a pool.
const maxConnections = 16

// errPoolClosed is the error of calls after the end of the server.
var errPoolClosed = errors.New("the server is closed")

// connectionKey names a connection of a pool. Those of drain_record are of their own,
// because get_record moves the position of a drain over the same connection.
type connectionKey struct {
	address string
	drain   bool
}

// pool keeps connections to databases.
type pool struct {
	mu     sync.Mutex
	open   map[connectionKey]*connection
	closed bool
}

// connection is an entry of a pool. Its fields but dialed belong to the mutex of the pool.
type connection struct {
	// dialed is closed when client and err are set.
	dialed chan struct{}
	client *aimx.Client
	err    error
	users  int
	used   time.Time
}

func newPool() *pool { return &pool{open: map[connectionKey]*connection{}} }

// acquire returns a connection that is open, or opens one. fresh says that it did. The
// caller releases it.
func (p *pool) acquire(ctx context.Context, t target, drain bool) (c *connection, fresh bool, err error) {
	at := connectionKey{t.address, drain}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, false, errPoolClosed
	}
	c = p.open[at]
	if c == nil || c.isLost() {
		if c, err = p.add(at); err != nil {
			p.mu.Unlock()
			return nil, false, err
		}
		fresh = true
	}
	c.users++
	p.mu.Unlock()
	if fresh {
		c.client, c.err = t.open(ctx, t.address)
		close(c.dialed)
	}
	select {
	case <-c.dialed:
	case <-ctx.Done():
		p.release(c)
		return nil, false, ctx.Err()
	}
	if c.err != nil {
		p.release(c)
		return nil, false, c.err
	}
	return c, fresh, nil
}

// isLost reports whether the connection could not be opened or has ended.
func (c *connection) isLost() bool {
	select {
	case <-c.dialed:
		return c.err != nil || c.client.Err() != nil
	default:
		return false
	}
}

// add makes an entry for a connection. It closes the one that was there, and the one that
// is unused for longest if there are too many.
func (p *pool) add(at connectionKey) (*connection, error) {
	p.drop(at)
	if len(p.open) >= maxConnections {
		oldest, found := connectionKey{}, false
		for k, c := range p.open {
			if c.users == 0 && (!found || c.used.Before(p.open[oldest].used)) {
				oldest, found = k, true
			}
		}
		if !found {
			return nil, fmt.Errorf("%d databases are being asked at the same time; wait for some of the answers", maxConnections)
		}
		p.drop(oldest)
	}
	c := &connection{dialed: make(chan struct{})}
	p.open[at] = c
	return c, nil
}

// drop removes an entry and ends its connection.
func (p *pool) drop(at connectionKey) {
	c := p.open[at]
	if c == nil {
		return
	}
	delete(p.open, at)
	c.close()
}

// close ends a connection. One that is being dialed is left to the caller that dials it,
// which releases it.
func (c *connection) close() {
	select {
	case <-c.dialed:
		if c.client != nil {
			_ = c.client.Close() // always nil
		}
	default:
	}
}

// release ends the use of a connection.
func (p *pool) release(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.users--
	c.used = time.Now()
	if p.closed {
		c.close()
	}
}

// close ends all connections.
func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for at := range p.open {
		p.drop(at)
	}
}

// ask calls do with a connection to the database that an argument names. If the connection
// was lost since the last call, it opens another one and calls do again, so do must not
// change anything.
func (s *Server) ask(ctx context.Context, a at, do func(*aimx.Client) error) error {
	t, err := s.target(a)
	if err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		fresh, err := s.once(ctx, t, false, do)
		var lost *aimx.ConnectionError
		if attempt == 2 || fresh || !errors.As(err, &lost) {
			return err
		}
	}
}

// once calls do with a connection, which is fresh if it was opened for this call.
func (s *Server) once(ctx context.Context, t target, drain bool, do func(*aimx.Client) error) (fresh bool, err error) {
	c, fresh, err := s.pool.acquire(ctx, t, drain)
	if err != nil {
		return fresh, err
	}
	defer s.pool.release(c)
	return fresh, do(c.client)
}
