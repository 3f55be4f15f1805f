package wire

import (
	"bufio"
	"context"
	"errors"
	"net"
	"time"

	"github.com/coder/websocket"
)

// Conn carries the frames of one connection. One goroutine may receive while
// another one sends.
type Conn interface {
	// Receive returns the next frame, which is valid until the next call.
	Receive() ([]byte, error)
	// Send writes one frame in one write. It fails after the write timeout.
	Send(frame []byte) error
	// Close ends Receive and Send immediately. It may be called at any time and
	// repeatedly.
	Close() error
}

// lineConn carries one frame a line.
type lineConn struct {
	timedWriter
	in    *bufio.Reader
	long  []byte // a line longer than the buffer of in
	limit int
}

// NewLineConn returns a Conn that carries one frame a line, each of at most
// limit bytes. A Send fails if the peer takes no byte for timeout.
func NewLineConn(c net.Conn, limit int, timeout time.Duration) Conn {
	return &lineConn{timedWriter: timedWriter{conn: c, timeout: timeout}, in: bufio.NewReaderSize(c, 16<<10), limit: limit}
}

func (c *lineConn) Receive() ([]byte, error) {
	c.long = reuse(c.long)
	for {
		part, err := c.in.ReadSlice('\n')
		if len(c.long)+len(part) > c.limit {
			return nil, tooLong(c.limit, append(c.long, part...))
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

// buffered returns what has come and is not yet received.
func buffered(in *bufio.Reader) []byte {
	b, _ := in.Peek(in.Buffered()) // it does not read
	return b
}

// maxIdleBuffer is the largest buffer that a connection keeps between frames.
const maxIdleBuffer = 1 << 20

// reuse empties a buffer for the next frame. It drops a buffer that only a large
// frame needed.
func reuse(buf []byte) []byte {
	if cap(buf) > maxIdleBuffer {
		return nil
	}
	return buf[:0]
}

// Send writes the frame and its line feed.
func (c *lineConn) Send(frame []byte) error { return c.write(append(frame, '\n')) }

func (c *lineConn) Close() error { return c.conn.Close() }

// timedWriter writes to a connection with a timeout.
type timedWriter struct {
	conn        net.Conn
	timeout     time.Duration
	deadlineSet time.Time // when the write deadline was last set
}

// write sets the deadline once in a quarter of the timeout, because setting it costs
// more than the rest. The timeout is up to a quarter shorter than configured.
func (w *timedWriter) write(b []byte) error {
	if now := time.Now(); now.Sub(w.deadlineSet) > w.timeout/4 {
		if err := w.conn.SetWriteDeadline(now.Add(w.timeout)); err != nil {
			return err
		}
		w.deadlineSet = now
	}
	_, err := w.conn.Write(b)
	return err
}

// messageConn carries one frame a WebSocket message.
type messageConn struct {
	socket  *websocket.Conn
	timeout time.Duration
	// ctx ends when the connection is closed, and ends reads and writes.
	ctx    context.Context
	cancel context.CancelFunc
}

// NewMessageConn returns a Conn that carries one frame a WebSocket message, with
// the limits of NewLineConn.
func NewMessageConn(socket *websocket.Conn, limit int, timeout time.Duration) Conn {
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

// Close does not wait for the closing handshake: a peer that does not answer may be
// the reason to close.
func (c *messageConn) Close() error {
	c.cancel()
	return c.socket.CloseNow()
}
