package integration

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/coder/websocket"
)

// crowdConn is a connection of the crowd, which sends and reads raw frames.
type crowdConn interface {
	send(frame []byte) error
	// sendHalf sends the first half of a frame.
	sendHalf(frame []byte) error
	// sendBytes sends what need not be a frame.
	sendBytes(b []byte) error
	receive() ([]byte, error)
	// readSome reads some bytes, which need not be a frame.
	readSome(b []byte) error
	close()
}

// lineCrowd is a connection over a unix socket, and over TCP if lengths is set.
type lineCrowd struct {
	conn    net.Conn
	in      *bufio.Reader
	lengths bool
}

func (c *lineCrowd) framed(frame []byte) []byte {
	if c.lengths {
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)
	}
	return append(frame[:len(frame):len(frame)], '\n')
}

func (c *lineCrowd) send(frame []byte) error { return c.sendBytes(c.framed(frame)) }

func (c *lineCrowd) sendHalf(frame []byte) error { return c.sendBytes(c.framed(frame)[:len(frame)/2]) }

func (c *lineCrowd) sendBytes(b []byte) error {
	_, err := c.conn.Write(b)
	return err
}

func (c *lineCrowd) receive() ([]byte, error) {
	if !c.lengths {
		return c.in.ReadSlice('\n')
	}
	var length [4]byte
	if _, err := io.ReadFull(c.in, length[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, binary.BigEndian.Uint32(length[:]))
	_, err := io.ReadFull(c.in, frame)
	return frame, err
}

func (c *lineCrowd) readSome(b []byte) error {
	_, err := c.conn.Read(b)
	return err
}

func (c *lineCrowd) close() { _ = c.conn.Close() }

// webCrowd is a connection over a WebSocket.
type webCrowd struct {
	ctx    context.Context
	socket *websocket.Conn
	// raw is the connection below, for what is no frame.
	raw *net.Conn
}

func (c *webCrowd) send(frame []byte) error {
	return c.socket.Write(c.ctx, websocket.MessageText, frame)
}

func (c *webCrowd) sendHalf(frame []byte) error {
	w, err := c.socket.Writer(c.ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	_, err = w.Write(frame[:len(frame)/2])
	return err
}

func (c *webCrowd) sendBytes(b []byte) error {
	_, err := (*c.raw).Write(b)
	return err
}

func (c *webCrowd) receive() ([]byte, error) {
	_, frame, err := c.socket.Read(c.ctx)
	return frame, err
}

func (c *webCrowd) readSome(b []byte) error {
	_, err := (*c.raw).Read(b)
	return err
}

func (c *webCrowd) close() { _ = c.socket.CloseNow() }

// dial connects over a transport. The token is presented where one is asked for.
func (h *crowdHub) dial(ctx context.Context, transport, token string) (crowdConn, error) {
	switch transport {
	case "unix":
		conn, err := net.Dial("unix", h.socket)
		if err != nil {
			return nil, err
		}
		return &lineCrowd{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
	case "tcp":
		conn, err := net.Dial("tcp", h.Addresses().TCP)
		if err != nil {
			return nil, err
		}
		c := &lineCrowd{conn: conn, in: bufio.NewReaderSize(conn, 64<<10), lengths: true}
		hello := fmt.Appendf(nil, `{"t":"req","id":0,"method":"hello","params":{"version":"3.0","auth_token":%q,"frame_bytes":1000000}}`, token)
		if err = c.send(hello); err == nil {
			_, err = c.receive()
		}
		if err != nil {
			c.close()
			return nil, err
		}
		return c, nil
	}
	return h.dialWeb(ctx, token)
}
