package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimdb-go/aimdb/access"
	broker "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// joinedBytes is how many bytes of packets wait for one write at most.
const joinedBytes = 16 << 10

// closingTimeout is how long a client may take its DISCONNECT when the server ends.
const closingTimeout = 100 * time.Millisecond

// conn is one client. It is the connection that the broker library reads and writes.
type conn struct {
	net.Conn
	server *Server
	// ctx ends when the connection is closed. serving ends when the server does.
	ctx, serving context.Context
	cancel       context.CancelFunc
	// client is nil until CONNECT was read; the goroutine that reads sets it, and what is
	// below, before the session has the connection.
	client  *broker.Client
	grants  *access.Grants
	session *session
	will    *will
	// resumed is true if the session is an older one.
	resumed bool
	// refusal is the answer to a CONNECT, if it is not the library's.
	refusal *packets.Code
	// topic was published to last, and names key.
	topic, key string
	acks       acks
	// window has a slot for the goroutine that delivers: the client takes more messages.
	window chan struct{}
	// interrupt ends its wait for values. The lock of the session guards it.
	interrupt context.CancelFunc
	// subscribed are the filters of a SUBSCRIBE that is being answered, unsubscribed the codes
	// for an UNSUBSCRIBE.
	subscribed   []packets.Subscription
	unsubscribed []byte
	// ended is true once the end of the connection was counted, or is nobody's fault.
	ended atomic.Bool
	// stopping is true once the server ends.
	stopping atomic.Bool
	// muted drops what is written.
	muted atomic.Bool
	work  sync.WaitGroup

	mu    sync.Mutex // guards the fields below, and writes
	holds int
	held  []byte
	short bool
}

func newConn(s *Server, serving context.Context, nc net.Conn) *conn {
	c := &conn{Conn: nc, server: s, serving: serving}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.acks.room, c.acks.drained, c.window = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{}, 1)
	_ = nc.SetDeadline(time.Now().Add(s.config.Limits.ConnectTimeout)) // its error is that of the next read
	return c
}

// SetDeadline sets the deadline for reads, which is one and a half times the keepalive: the
// library's own sum does not fit into its type from 43,691 s on. That for writes is set by
// Write, because a client without a keepalive may stop reading too.
func (c *conn) SetDeadline(t time.Time) error {
	if c.client != nil && !t.IsZero() {
		t = time.Now().Add(time.Duration(c.client.State.Keepalive) * 3 * time.Second / 2)
	}
	err := c.SetReadDeadline(t)
	if c.stopping.Load() {
		return c.SetReadDeadline(time.Unix(1, 0)) // now
	}
	return err
}

// Read implements net.Conn. While the server stops, nothing more is read, and the end of the
// connection waits for the acknowledgements.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.stopping.Load() {
		<-c.ctx.Done()
		return 0, net.ErrClosed
	}
	return n, err
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.muted.Load() {
		return len(b), nil
	}
	if c.holds > 0 && len(c.held)+len(b) <= joinedBytes {
		c.held = append(c.held, b...)
		return len(b), nil
	}
	if err := c.flush(); err != nil {
		return 0, err
	}
	return c.write(b)
}

// write writes with the deadline. The caller holds the lock, as for flush.
func (c *conn) write(b []byte) (int, error) {
	timeout := c.server.config.Limits.WriteTimeout
	if c.short {
		timeout = closingTimeout
	}
	if err := c.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) && !c.ended.Swap(true) {
			c.count(causeSlow, fmt.Errorf("it took nothing for %v", timeout))
		}
		c.cancel()
		_ = c.Conn.Close() // what follows half a packet is noise
	}
	return n, err
}

func (c *conn) flush() error {
	if len(c.held) == 0 {
		return nil
	}
	_, err := c.write(c.held)
	if c.held = c.held[:0]; cap(c.held) > joinedBytes {
		c.held = nil
	}
	return err
}

// hold makes packets wait for release, so that several go out in one write.
func (c *conn) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holds++
}

// release writes what waits.
func (c *conn) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holds--
	if c.flush() == nil && c.holds == 0 {
		c.held = nil // an idle client keeps no buffer
	}
}

// Close implements net.Conn. What waits is written, unless another write hangs.
func (c *conn) Close() error {
	if c.ctx.Err() == nil && c.mu.TryLock() {
		c.short = true
		_ = c.flush()
		c.mu.Unlock()
	}
	c.cancel()
	return c.Conn.Close()
}

// v5 reports whether the client speaks MQTT 5, in which a server may say why it closes.
func (c *conn) v5() bool { return c.client != nil && c.client.Properties.ProtocolVersion == 5 }

// refuse counts why the connection ends, and ends it.
func (c *conn) refuse(cause string, code packets.Code, err error) {
	if c.ended.Swap(true) {
		return
	}
	c.count(cause, err)
	c.disconnect(code)
}

// count counts the end of the connection and says the first of each cause aloud.
func (c *conn) count(cause string, err error) {
	c.ended.Store(true)
	log := c.server.config.Logger.Debug
	if c.server.counters.refuse(cause) {
		log = c.server.config.Logger.Warn
	}
	id := ""
	if c.client != nil {
		id = c.client.ID
	}
	log("an MQTT client was refused; further ones with this cause are only counted",
		"cause", cause, "client", id, "remote", c.RemoteAddr().String(), "error", err)
}

// disconnect closes the connection, of a client of MQTT 5 with a code.
func (c *conn) disconnect(code packets.Code) {
	if c.v5() {
		_ = c.server.broker.DisconnectClient(c.client, code) // it closes the connection too
		return
	}
	if c.client != nil {
		c.client.Stop(code)
		return
	}
	_ = c.Close() // before CONNECT
}

// stop ends the connection because the server does, once the messages that were taken are
// acknowledged.
func (c *conn) stop() {
	c.ended.Store(true)
	c.stopping.Store(true)
	_ = c.Conn.SetReadDeadline(time.Unix(1, 0)) // a read that waits ends
	c.acks.stop()
	c.drain()
	_ = c.Conn.SetWriteDeadline(time.Now().Add(closingTimeout)) // a write that waits ends
	c.mu.Lock()
	c.short = true
	_ = c.flush()
	c.mu.Unlock()
	if s := c.server.sessions.of(c); s != nil {
		c.disconnect(packets.ErrServerShuttingDown)
	}
	_ = c.Close()
}

// drain waits until all messages are acknowledged, up to the drain time. The client sends the
// others again.
func (c *conn) drain() {
	if c.acks.empty() {
		return
	}
	timeout := time.NewTimer(c.server.config.Limits.DrainTimeout)
	defer timeout.Stop()
	for !c.acks.empty() {
		select {
		case <-c.acks.drained:
		case <-c.ctx.Done():
			return
		case <-timeout.C:
			c.server.config.Logger.Warn("messages of an MQTT client were not acknowledged before the server stopped: the log did not have them in time; the client sends them again",
				"remote", c.RemoteAddr().String(), "waited", c.server.config.Limits.DrainTimeout)
			return
		}
	}
}

// cleanup ends what the connection has begun.
func (c *conn) cleanup() {
	_ = c.Close()
	if c.client != nil {
		if known, ok := c.server.broker.Clients.Get(c.client.ID); ok && known == c.client {
			c.server.broker.Clients.Delete(c.client.ID)
		}
	}
	c.work.Wait()
	if c.session != nil {
		c.session.leave(c)
	}
}
