package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/coder/websocket"
)

// Conn carries frames over one connection. One goroutine receives; the caller
// sees to it that one sends at a time.
type Conn interface {
	// Receive returns the next frame. It is valid until the next call.
	Receive() ([]byte, error)
	// Send writes one frame in one write, or fails after the write timeout.
	Send(frame []byte) error
	// Close ends both at once, and may be called at any time, repeatedly.
	Close() error
}

// errFrameTooLong ends a connection, since who sent the frame waits for an
// answer that cannot be given.
var errFrameTooLong = errors.New("a frame is longer than the limit")

// lineConn has one frame a line.
type lineConn struct {
	conn    net.Conn
	in      *bufio.Reader
	long    []byte // a line longer than the reader's buffer
	limit   int
	timeout time.Duration
	armed   time.Time // when the write deadline was last set
}

// NewLineConn returns a Conn that carries one frame a line, each of at most
// limit bytes. A Send fails if the peer takes no byte for timeout.
func NewLineConn(c net.Conn, limit int, timeout time.Duration) *lineConn {
	return &lineConn{conn: c, in: bufio.NewReaderSize(c, 16<<10), limit: limit, timeout: timeout}
}

func (c *lineConn) Receive() ([]byte, error) {
	c.long = reuse(c.long)
	for {
		part, err := c.in.ReadSlice('\n')
		if len(c.long)+len(part) > c.limit {
			return nil, fmt.Errorf("%w of %d bytes", errFrameTooLong, c.limit)
		}
		switch {
		case err == nil && len(c.long) == 0:
			return part, nil
		case errors.Is(err, bufio.ErrBufferFull):
			c.long = append(c.long, part...)
			continue
		case err == nil || len(c.long)+len(part) > 0:
			// A last line without a line feed counts; the error comes again.
			c.long = append(c.long, part...)
			return c.long, nil
		}
		return nil, err
	}
}

// maxIdleBuffer is what a connection keeps of a buffer between frames.
const maxIdleBuffer = 1 << 20

// reuse makes a buffer ready for the next frame, and lets go of one that was
// only needed for a large one.
func reuse(buf []byte) []byte {
	if cap(buf) > maxIdleBuffer {
		return nil
	}
	return buf[:0]
}

// Send moves the deadline seldom, as that costs more than the rest of it; so
// the timeout is up to a quarter shorter than asked for.
func (c *lineConn) Send(frame []byte) error {
	if now := time.Now(); now.Sub(c.armed) > c.timeout/4 {
		if err := c.conn.SetWriteDeadline(now.Add(c.timeout)); err != nil {
			return err
		}
		c.armed = now
	}
	_, err := c.conn.Write(append(frame, '\n'))
	return err
}

func (c *lineConn) Close() error { return c.conn.Close() }

// messageConn has one frame a WebSocket message.
type messageConn struct {
	socket  *websocket.Conn
	timeout time.Duration
	// ctx ends when the connection is closed, which ends what is under way.
	ctx    context.Context
	cancel context.CancelFunc
}

// NewMessageConn returns a Conn that carries one frame a WebSocket message, with
// the limits of NewLineConn.
func NewMessageConn(socket *websocket.Conn, limit int, timeout time.Duration) *messageConn {
	socket.SetReadLimit(int64(limit))
	ctx, cancel := context.WithCancel(context.Background())
	return &messageConn{socket: socket, timeout: timeout, ctx: ctx, cancel: cancel}
}

func (c *messageConn) Receive() ([]byte, error) {
	_, message, err := c.socket.Read(c.ctx)
	return message, err
}

// Send writes a text message, as browsers ignore binary ones.
func (c *messageConn) Send(frame []byte) error {
	ctx, cancel := context.WithTimeout(c.ctx, c.timeout)
	defer cancel()
	return c.socket.Write(ctx, websocket.MessageText, frame)
}

// Close does not wait for the peer's part of the closing handshake: it may be
// the reason to close.
func (c *messageConn) Close() error {
	c.cancel()
	return c.socket.CloseNow()
}
