package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"
)

// LengthFrameBytes is the longest frame that upstream receives over TCP. It closes the
// connection at a longer one.
const LengthFrameBytes = 1 << 16

// headerBytes is the size of the length before a frame.
const headerBytes = 4

// lengthConn carries frames that follow their lengths.
type lengthConn struct {
	timedWriter
	in    *bufio.Reader
	frame []byte // the frame that was received last
	out   []byte
	limit int
}

// NewLengthConn returns a Conn for TCP: each frame, of at most limit bytes, follows
// its length, which is four bytes, big-endian. A Send fails if the peer takes no byte
// for timeout.
func NewLengthConn(c net.Conn, limit int, timeout time.Duration) Conn {
	return &lengthConn{timedWriter: timedWriter{conn: c, timeout: timeout}, in: bufio.NewReaderSize(c, 16<<10), limit: limit}
}

// Receive returns an empty frame for the length 0, and io.EOF only between two frames.
func (c *lengthConn) Receive() ([]byte, error) {
	var header [headerBytes]byte
	if _, err := io.ReadFull(c.in, header[:]); err != nil {
		return nil, halfFrame(err)
	}
	length := binary.BigEndian.Uint32(header[:])
	if uint64(length) > uint64(c.limit) {
		return nil, tooLong(c.limit, buffered(c.in))
	}
	c.frame = reuse(c.frame)
	// The buffer grows with what has come: a length alone costs no memory.
	for left := int(length); left > 0; {
		part := min(left, max(len(c.frame), c.in.Size()))
		start := len(c.frame)
		c.frame = slices.Grow(c.frame, part)[:start+part]
		if _, err := io.ReadFull(c.in, c.frame[start:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, halfFrame(err)
		}
		left -= part
	}
	return c.frame, nil
}

func halfFrame(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the connection ended inside a frame: %w", err)
	}
	return err
}

// Send writes the length and the frame in one write.
func (c *lengthConn) Send(frame []byte) error {
	if uint64(len(frame)) > 1<<32-1 {
		return fmt.Errorf("a frame of %d bytes has no length of %d bytes", len(frame), headerBytes)
	}
	c.out = c.Join(reuse(c.out), frame)
	return c.write(c.out)
}

func (c *lengthConn) Close() error { return c.conn.Close() }
