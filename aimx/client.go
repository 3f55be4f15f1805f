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
	// dialTimeout bounds Dial if its context has no earlier deadline.
	dialTimeout = 5 * time.Second
	// lastAnswers is how long answers are still read after a frame could not be sent.
	lastAnswers = time.Second
	// clientWriteTimeout ends a connection whose server takes no byte of a
	// frame for that long.
	clientWriteTimeout = 30 * time.Second
	// clientFrameBytes bounds a frame of a server.
	clientFrameBytes = 256 << 20
)

// ConnectionError says that a server cannot be reached, or that the connection to
// it is lost.
type ConnectionError struct {
	// Endpoint is the endpoint of the server.
	Endpoint string
	// Advice says what the user can do.
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

// ErrClientClosed is the cause of errors that Client.Close brings about.
var ErrClientClosed = errors.New("the client is closed")

// Client is a connection to one server. It is safe for concurrent use. After the
// connection is lost, all calls and watches fail: dial again.
type Client struct {
	endpoint Endpoint
	dialed   dialOptions // those of Dial, for another connection
	greeting Info        // the answer to the hello of Dial
	conn     wire.Conn
	decoder  wire.Decoder  // for the goroutine of receive only
	sending  chan struct{} // holds a token while a frame is sent

	mu     sync.Mutex
	nextID uint64
	calls  map[uint64]chan<- wire.Frame
	pongs  []chan<- wire.Frame // in the order of the pings
	// subscribers are the watches and the streams, by the text of their ids.
	subscribers map[string]subscriber
	err         error // the cause of the end of the connection
	farewell    error // what the server said before it ended the connection

	done   chan struct{} // closed when the connection has ended
	closed context.Context
	close  context.CancelFunc // ends closed
	work   sync.WaitGroup
}

// subscriber takes the frames of one subscription. Its methods are called by the
// receiving goroutine of the client and must not wait.
type subscriber interface {
	deliver(wire.Frame)
	refuse(wire.Frame)
}

func newClient(e Endpoint, c wire.Conn, o dialOptions) *Client {
	client := &Client{
		endpoint: e, conn: c, dialed: o,
		sending:     make(chan struct{}, 1),
		nextID:      1,
		calls:       make(map[uint64]chan<- wire.Frame),
		subscribers: make(map[string]subscriber),
		done:        make(chan struct{}),
	}
	client.closed, client.close = context.WithCancel(context.Background())
	client.work.Go(client.receive)
	return client
}

// Endpoint returns the endpoint of the server.
func (c *Client) Endpoint() Endpoint { return c.endpoint }

// Done returns a channel that is closed when the connection has ended. Err
// returns the cause.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err returns the cause of the end of the connection, or nil while it is open.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close closes the connection and returns after the goroutines of the client have
// ended. It always returns nil.
func (c *Client) Close() error {
	c.close()
	c.fail(ErrClientClosed)
	c.work.Wait()
	return nil
}

// fail ends the connection. The first cause counts.
func (c *Client) fail(why error) {
	if errors.Is(why, io.EOF) {
		why = errors.New("the server closed the connection")
	}
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	if c.farewell != nil && !errors.Is(why, ErrClientClosed) {
		why = c.farewell
	}
	c.err = &ConnectionError{Endpoint: c.endpoint.String(), Advice: "connect again", Err: why}
	close(c.done)
	c.mu.Unlock()
	_ = c.conn.Close() // the connection is over, whatever Close returns
}

// isClosed reports whether Close was called.
func (c *Client) isClosed() bool { return c.closed.Err() != nil }

// onClose calls fn in a goroutine of its own after Close is called, unless stop was
// called before.
func (c *Client) onClose(fn func()) (stop func() bool) { return context.AfterFunc(c.closed, fn) }

// redial connects to the same server once more.
func (c *Client) redial(ctx context.Context) (*Client, error) { return dial(ctx, c.endpoint, c.dialed) }

// unsubscribe ends a subscription. It tells the server, and does not wait for it. It may
// be called again.
func (c *Client) unsubscribe(name string) {
	c.mu.Lock()
	_, there := c.subscribers[name]
	delete(c.subscribers, name)
	c.mu.Unlock()
	if there {
		// If it cannot be sent, the connection is lost, and the subscription with it.
		_ = c.send(context.Background(), func(f *wire.FrameWriter) []byte { return f.Unsubscribe(name) })
	}
}

// receive dispatches frames until the connection ends. It never waits for a
// caller.
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
			f.Result = append(json.RawMessage(nil), f.Result...) // the connection reuses the line
			call <- f
		} else if s, ok := c.subscribers[subscriptionName(f.ID)]; ok && f.Result == nil {
			s.refuse(f)
		} else if f.ID == 0 && f.Result == nil { // the server says why it ends the connection
			c.farewell = fmt.Errorf("the server ended the connection: %s", f.Message)
		}
	case wire.KindPong:
		if len(c.pongs) > 0 {
			c.pongs[0] <- f
			c.pongs = c.pongs[1:]
		}
	case wire.KindEvent, wire.KindSnapshot, wire.KindSubscribed, wire.KindBegin, wire.KindCaughtUp:
		if s, ok := c.subscribers[f.Sub]; ok {
			s.deliver(f)
		}
	}
}

// send writes the frame that fill returns.
func (c *Client) send(ctx context.Context, fill func(*wire.FrameWriter) []byte) error {
	select {
	case c.sending <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return c.Err()
	}
	if err := c.conn.Send(fill(&wire.FrameWriter{})); err != nil {
		// The answers that are here already are still read, up to the end of what came. A
		// frame that was sent in part cannot be followed by another, so the turn is kept.
		why := fmt.Errorf("send: %w", err)
		time.AfterFunc(lastAnswers, func() { c.fail(why) })
		return &ConnectionError{Endpoint: c.endpoint.String(), Advice: "connect again", Err: why}
	}
	<-c.sending
	return nil
}

// Call sends a request and returns its result. It serves methods that Client has
// no method for.
func (c *Client) Call(ctx context.Context, method string, params any) (json.RawMessage, error) {
	return c.call(ctx, method, "", params)
}

// call sends a request. Errors name the subject, which may be empty.
func (c *Client) call(ctx context.Context, method, subject string, params any) (json.RawMessage, error) {
	operation := method
	if subject != "" {
		operation += " " + subject
	}
	if !wire.IsPlain(method) {
		return nil, fmt.Errorf("method %q contains quotes, backslashes or control characters, which AimX cannot carry", method)
	}
	var raw json.RawMessage
	if params != nil {
		var err error
		if raw, err = json.Marshal(params); err != nil {
			return nil, fmt.Errorf("%s: the parameters cannot be encoded: %w", operation, err)
		}
	}
	id, answer := c.expect()
	defer c.forget(id)
	f, err := c.exchange(ctx, answer, func(w *wire.FrameWriter) []byte { return w.Request(id, method, raw) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	if f.Result != nil {
		return f.Result, nil
	}
	return nil, c.refusalOf(f, operation)
}

// expect returns the id of a request, and what gets its answer.
func (c *Client) expect() (id uint64, answer chan wire.Frame) {
	answer = make(chan wire.Frame, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	id = c.nextID
	c.nextID++
	c.calls[id] = answer
	return id, answer
}

// forget ends the wait for an answer.
func (c *Client) forget(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, id)
}

// exchange sends a frame and waits for its answer.
func (c *Client) exchange(ctx context.Context, answer <-chan wire.Frame, fill func(*wire.FrameWriter) []byte) (wire.Frame, error) {
	if err := c.send(ctx, fill); err != nil {
		return wire.Frame{}, err
	}
	return c.await(ctx, answer)
}

// await waits for an answer.
func (c *Client) await(ctx context.Context, answer <-chan wire.Frame) (wire.Frame, error) {
	select {
	case f := <-answer:
		return f, nil
	case <-ctx.Done():
		return wire.Frame{}, fmt.Errorf("no answer from %s: %w", c.endpoint, ctx.Err())
	case <-c.done:
		select {
		case f := <-answer: // it came immediately before the end
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
