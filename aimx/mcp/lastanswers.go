package mcp

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// lastAnswers is a transport whose end of input waits until all requests have their answers. The
// SDK cancels those that have none when the input ends.
type lastAnswers struct{ sdk.Transport }

// Connect implements sdk.Transport.
func (a lastAnswers) Connect(ctx context.Context) (sdk.Connection, error) {
	inner, err := a.Transport.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &lastAnswersConn{Connection: inner, open: map[jsonrpc.ID]struct{}{}, changed: make(chan struct{}, 1), closed: make(chan struct{})}, nil
}

// lastAnswersConn knows the requests without an answer. One goroutine reads.
type lastAnswersConn struct {
	sdk.Connection
	mu      sync.Mutex
	open    map[jsonrpc.ID]struct{}
	changed chan struct{} // an answer was written
	closing sync.Once
	closed  chan struct{}
}

// Read implements sdk.Connection.
func (c *lastAnswersConn) Read(ctx context.Context) (jsonrpc.Message, error) {
	m, err := c.Connection.Read(ctx)
	if r, is := m.(*jsonrpc.Request); is && r.IsCall() {
		c.mu.Lock()
		c.open[r.ID] = struct{}{}
		c.mu.Unlock()
	}
	if errors.Is(err, io.EOF) {
		c.wait(ctx)
	}
	return m, err
}

// wait returns when all is answered, or cannot be.
func (c *lastAnswersConn) wait(ctx context.Context) {
	for {
		c.mu.Lock()
		n := len(c.open)
		c.mu.Unlock()
		if n == 0 {
			return
		}
		select {
		case <-c.changed:
		case <-c.closed:
			return
		case <-ctx.Done():
			return
		}
	}
}

// Write implements sdk.Connection.
func (c *lastAnswersConn) Write(ctx context.Context, m jsonrpc.Message) error {
	err := c.Connection.Write(ctx, m)
	if r, is := m.(*jsonrpc.Response); is {
		c.mu.Lock()
		delete(c.open, r.ID)
		c.mu.Unlock()
		select {
		case c.changed <- struct{}{}:
		default:
		}
	}
	return err
}

// Close implements sdk.Connection.
func (c *lastAnswersConn) Close() error {
	c.closing.Do(func() { close(c.closed) })
	return c.Connection.Close()
}
