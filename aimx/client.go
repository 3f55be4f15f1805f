package aimx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

const (
	// dialTimeout bounds dialling and greeting when the context does not.
	dialTimeout = 5 * time.Second
	// clientWriteTimeout is how long a server may take no byte of a frame.
	clientWriteTimeout = 30 * time.Second
	// clientFrameBytes is the longest frame taken from a server.
	clientFrameBytes = 256 << 20
)

// ConnectionError says that a server cannot be reached, or not any more.
type ConnectionError struct {
	// Endpoint is where the server was.
	Endpoint string
	// Advice is the way out.
	Advice string
	// Err is the cause.
	Err error
}

// Error implements error.
func (e *ConnectionError) Error() string {
	return fmt.Sprintf("%s: %v; %s", e.Endpoint, e.Err, e.Advice)
}

// Unwrap returns the cause.
func (e *ConnectionError) Unwrap() error { return e.Err }

// ErrClientClosed is the cause of calls that fail because of Client.Close.
var ErrClientClosed = errors.New("the client is closed")

// Client talks to one server. It is safe for concurrent use. When the
// connection is lost all calls and watches fail, and stay so: dial again.
type Client struct {
	endpoint Endpoint
	conn     wire.Conn
	decoder  wire.Decoder  // for the goroutine of receive only
	sending  chan struct{} // holds a token while a frame is sent

	mu      sync.Mutex
	nextID  uint64
	calls   map[uint64]chan<- wire.Frame
	pongs   []chan<- wire.Frame // in the order of their pings
	watches map[string]*Watch
	err     error // why the connection ended

	done chan struct{} // closed when the connection has ended
	work sync.WaitGroup
}

func newClient(e Endpoint, c wire.Conn) *Client {
	client := &Client{
		endpoint: e, conn: c,
		sending: make(chan struct{}, 1),
		nextID:  1,
		calls:   make(map[uint64]chan<- wire.Frame),
		watches: make(map[string]*Watch),
		done:    make(chan struct{}),
	}
	client.work.Go(client.receive)
	return client
}

// Endpoint returns where the server is.
func (c *Client) Endpoint() Endpoint { return c.endpoint }

// Done is closed when the connection has ended; Err says why.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err returns why the connection has ended, nil if it has not.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection and returns when everything has ended.
func (c *Client) Close() error {
	c.fail(ErrClientClosed)
	c.work.Wait()
	return nil
}

// fail ends the connection; the first reason counts.
func (c *Client) fail(why error) {
	if errors.Is(why, io.EOF) {
		why = errors.New("the server closed the connection")
	}
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = &ConnectionError{Endpoint: c.endpoint.String(), Advice: "connect again", Err: why}
	close(c.done)
	c.mu.Unlock()
	_ = c.conn.Close() // what it was for is over
}

// receive hands out what comes, until the connection ends. It never waits for
// whoever it hands to.
func (c *Client) receive() {
	for {
		line, err := c.conn.Receive()
		if err != nil {
			c.fail(err)
			return
		}
		if f, ok := c.decoder.Decode(line); ok {
			c.dispatch(f)
		}
	}
}

func (c *Client) dispatch(f wire.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch f.Kind {
	case wire.KindReply:
		if call, ok := c.calls[f.ID]; ok {
			delete(c.calls, f.ID)
			f.Result = append(json.RawMessage(nil), f.Result...) // the line is used again
			call <- f
		} else if w, ok := c.watches[subscriptionName(f.ID)]; ok && f.Result == nil {
			w.refuse(f)
		}
	case wire.KindPong:
		if len(c.pongs) > 0 {
			c.pongs[0] <- f
			c.pongs = c.pongs[1:]
		}
	case wire.KindEvent, wire.KindSnapshot:
		if w, ok := c.watches[f.Sub]; ok {
			w.deliver(f)
		}
	}
}

// send writes one frame that fill makes.
func (c *Client) send(ctx context.Context, fill func(*wire.FrameWriter) []byte) error {
	select {
	case c.sending <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return c.Err()
	}
	defer func() { <-c.sending }()
	if err := c.conn.Send(fill(&wire.FrameWriter{})); err != nil {
		c.fail(fmt.Errorf("send: %w", err))
		return c.Err()
	}
	return nil
}

// Call sends any request and returns the bare result. It is the way to methods
// that have no method here.
func (c *Client) Call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	return c.call(ctx, method, "", params)
}

// call sends a request about a subject, which errors name.
func (c *Client) call(ctx context.Context, method, subject string, params any) (json.RawMessage, error) {
	operation := method
	if subject != "" {
		operation += " " + subject
	}
	if !wire.IsPlain(method) {
		return nil, fmt.Errorf("method %q has characters that AimX cannot carry: quotes, backslashes or control characters", method)
	}
	var raw json.RawMessage
	if params != nil {
		var err error
		if raw, err = json.Marshal(params); err != nil {
			return nil, fmt.Errorf("%s: the parameters cannot be encoded: %w", operation, err)
		}
	}
	answer := make(chan wire.Frame, 1)
	c.mu.Lock()
	id := c.nextID
	c.nextID++
	c.calls[id] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.calls, id)
		c.mu.Unlock()
	}()
	f, err := c.exchange(ctx, answer, func(w *wire.FrameWriter) []byte { return w.Request(id, method, raw) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	if f.Result != nil {
		return f.Result, nil
	}
	return nil, c.refusalOf(f, operation)
}

// exchange sends a frame and waits for what answers it.
func (c *Client) exchange(ctx context.Context, answer <-chan wire.Frame, fill func(*wire.FrameWriter) []byte) (wire.Frame, error) {
	if err := c.send(ctx, fill); err != nil {
		return wire.Frame{}, err
	}
	select {
	case f := <-answer:
		return f, nil
	case <-ctx.Done():
		return wire.Frame{}, fmt.Errorf("no answer from %s: %w", c.endpoint, ctx.Err())
	case <-c.done:
		select {
		case f := <-answer: // it came just before the end
			return f, nil
		default:
			return wire.Frame{}, c.Err()
		}
	}
}

func (c *Client) refusalOf(f wire.Frame, operation string) error {
	code := Code(f.Code)
	switch code {
	case CodeNotFound, CodeDenied, CodeVersionMismatch:
	default:
		code = CodeInternal
	}
	return &Refusal{Code: code, Operation: operation, Endpoint: c.endpoint.String(), Reason: f.Message}
}
