package natsconn

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/rpc"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// conn is a connection of AimX: it makes a request of each frame of the client, and a
// frame of each answer and value. It implements aimx.Conn.
type conn struct {
	nc       *nats.Conn
	owned    bool // nc ends with this
	database string
	methods  map[string]rpc.Method // by name

	// frames are those that the client has not received.
	frames chan []byte
	ctx    context.Context
	end    context.CancelCauseFunc
	work   sync.WaitGroup

	// inbox begins the subjects of answers, which all come by one subscription.
	inbox   string
	answers *nats.Subscription
	// trying is held while something is tried that the servers may refuse.
	trying sync.Mutex

	mu      sync.Mutex
	lastID  uint64
	waiting map[string]chan<- *nats.Msg // by the subject of the answer

	// decoder and watches are for the goroutine that sends only.
	decoder wire.Decoder
	watches map[string]context.CancelFunc
}

func open(nc *nats.Conn, database string, owned bool) (*conn, error) {
	c := &conn{
		nc: nc, owned: owned, database: database, methods: map[string]rpc.Method{},
		frames: make(chan []byte), inbox: nc.NewInbox() + ".",
		waiting: map[string]chan<- *nats.Msg{}, watches: map[string]context.CancelFunc{},
	}
	for _, m := range rpc.Methods() {
		c.methods[m.Name] = m
	}
	var err error
	if c.answers, err = nc.Subscribe(c.inbox+"*", c.deliver); err != nil {
		return nil, fmt.Errorf("subscribe to the answers: %w", err)
	}
	c.ctx, c.end = context.WithCancelCause(context.Background())
	c.start(c.watchConnection)
	return c, nil
}

// errCut ends a client that has watches: what was published meanwhile is lost, and how
// much that is, nobody knows.
var errCut = errors.New("the connection to NATS was lost, and with it values of a watch")

// watchConnection ends with the connection to NATS.
func (c *conn) watchConnection() {
	closed := c.nc.StatusChanged(nats.CLOSED)
	defer c.nc.RemoveStatusListener(closed)
	if c.nc.IsClosed() {
		c.end(nats.ErrConnectionClosed)
	}
	select {
	case <-closed:
		c.end(nats.ErrConnectionClosed)
	case <-c.ctx.Done():
	}
}

// deliver hands an answer to the call that waits for it.
func (c *conn) deliver(m *nats.Msg) {
	c.mu.Lock()
	answer := c.waiting[m.Subject]
	delete(c.waiting, m.Subject)
	c.mu.Unlock()
	if answer != nil {
		answer <- m
	}
}

// Receive implements aimx.Conn.
func (c *conn) Receive() ([]byte, error) {
	select {
	case frame := <-c.frames:
		return frame, nil
	case <-c.ctx.Done():
		return nil, context.Cause(c.ctx)
	}
}

// Close implements aimx.Conn.
func (c *conn) Close() error {
	c.mu.Lock() // after this, nothing is started any more
	c.end(aimx.ErrClientClosed)
	c.mu.Unlock()
	c.work.Wait()
	if c.owned {
		c.nc.Close()
		return nil
	}
	if err := c.answers.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		return fmt.Errorf("natsconn: %w", err)
	}
	return nil
}

// start runs work in a goroutine, unless the connection has ended.
func (c *conn) start(work func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() == nil {
		c.work.Go(work)
	}
}

// push hands a frame to the client. It reports false if the connection has ended.
func (c *conn) push(frame []byte) bool {
	select {
	case c.frames <- frame:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// refuse answers a frame with an error.
func (c *conn) refuse(id uint64, err error) {
	code, reason := aimx.CodeInternal, err.Error()
	if refused := (*aimx.Refusal)(nil); errors.As(err, &refused) {
		code, reason = refused.Code, refused.Reason
	}
	c.push((&wire.FrameWriter{}).Refusal(id, string(code), reason))
}

// Send implements aimx.Conn. One goroutine at a time calls it.
func (c *conn) Send(frame []byte) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	f, ok := c.decoder.Decode(frame)
	if !ok {
		return errors.New("natsconn: the frame is malformed")
	}
	switch f.Kind {
	case wire.KindRequest:
		if f.Method == wire.MethodRecordSet && string(c.decoder.Member(f.Params, "logged")) == "true" {
			c.setLogged(f)
			break
		}
		c.call(f)
	case wire.KindWrite: // later frames must see its effect
		ctx, cancel := context.WithTimeout(c.ctx, writeTimeout)
		defer cancel()
		_, _ = c.requestRecord(ctx, wire.MethodRecordSet, f.Topic, f.Payload) // the protocol has no answer for it
	case wire.KindSubscribe:
		c.subscribe(f)
	case wire.KindUnsubscribe:
		if end := c.watches[f.Sub]; end != nil {
			end()
			delete(c.watches, f.Sub)
		}
	case wire.KindPing:
		c.start(c.ping)
	}
	return nil
}

// ping answers when the database does.
func (c *conn) ping() {
	_, err := c.request(c.ctx, wire.MethodHello, "", nil)
	if refused := (*aimx.Refusal)(nil); err != nil && !errors.As(err, &refused) {
		c.end(err)
		return
	}
	c.push((&wire.FrameWriter{}).Bare(wire.KindPong))
}
