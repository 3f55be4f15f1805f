package wire

import (
	"bytes"
	"encoding/binary"
)

// Joiner is a Conn of which several frames can go out in one write.
type Joiner interface {
	Conn
	// Ready reports whether Receive returns without waiting for the peer.
	Ready() bool
	// Join appends a frame, of less than 4 GiB, as Send would write it.
	Join(joined, frame []byte) []byte
	// SendJoined writes frames that Join has joined.
	SendJoined(joined []byte) error
}

// Ready implements Joiner.
func (c *lineConn) Ready() bool { return bytes.IndexByte(buffered(c.in), '\n') >= 0 }

// Join implements Joiner.
func (c *lineConn) Join(joined, frame []byte) []byte { return append(append(joined, frame...), '\n') }

// SendJoined implements Joiner.
func (c *lineConn) SendJoined(joined []byte) error { return c.write(joined) }

// Ready implements Joiner. A frame that is longer than the buffer is never ready.
func (c *lengthConn) Ready() bool {
	b := buffered(c.in)
	return len(b) >= headerBytes && uint64(len(b)-headerBytes) >= uint64(binary.BigEndian.Uint32(b))
}

// Join implements Joiner.
func (c *lengthConn) Join(joined, frame []byte) []byte {
	return append(binary.BigEndian.AppendUint32(joined, uint32(len(frame))), frame...)
}

// SendJoined implements Joiner.
func (c *lengthConn) SendJoined(joined []byte) error { return c.write(joined) }
