package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// publishTimeout bounds a write to a server that is not in this process.
const publishTimeout = 10 * time.Second

// Publisher publishes messages of one goroutine in order.
type Publisher interface {
	// Add buffers a message. Each header line ends in CR LF. Add does not retain its
	// arguments.
	Add(subject string, reply, headers, value []byte)
	// Flush writes the buffer. After an error it is not known which messages
	// have arrived; the next Flush waits until the server has handled those that
	// have, so that old and new messages cannot interleave.
	Flush() error
	// Close ends the connection. The next Flush opens another.
	Close()
}

// publisher returns a publisher. It connects on its first Flush.
func (b *Bus) publisher() Publisher {
	if b.config.Publisher != nil {
		return b.config.Publisher()
	}
	return &connPublisher{bus: b}
}

// connPublisher publishes over a connection of the client library, for servers that
// are not in this process.
type connPublisher struct {
	bus *Bus
	nc  *nats.Conn
	// msg is used again for each message, since the connection copies what it writes.
	msg nats.Msg
	// refused is the last error of the connection before the last Flush.
	refused error
	// failed is the error of the first message since the last Flush that could not be
	// written. Those after it are not written.
	failed error
}

// Add implements Publisher.
func (p *connPublisher) Add(subject string, reply, headers, value []byte) {
	if p.failed == nil {
		p.failed = p.connect()
	}
	if p.failed != nil {
		return
	}
	p.msg.Subject, p.msg.Reply, p.msg.Data = subject, string(reply), value
	clear(p.msg.Header)
	for line := range bytes.SplitSeq(headers, []byte("\r\n")) {
		if name, text, ok := bytes.Cut(line, []byte(": ")); ok {
			p.msg.Header[string(name)] = []string{string(text)}
		}
	}
	p.failed = p.nc.PublishMsg(&p.msg)
	p.msg.Data = nil
}

func (p *connPublisher) connect() (err error) {
	if p.nc == nil {
		p.nc, err = p.bus.server.Connect(context.Background(), "publish", nats.ReconnectBufSize(-1))
		p.msg.Header = nats.Header{}
	}
	return err
}

// Flush implements Publisher.
func (p *connPublisher) Flush() error {
	err := p.failed
	p.failed = nil
	if err == nil {
		err = p.connect()
	}
	if err == nil {
		err = p.nc.FlushTimeout(publishTimeout)
	}
	if err != nil {
		return fmt.Errorf("bus: write to the log's server: %w", err)
	}
	// The server refuses a message without an answer to it, and says so before it
	// answers the flush.
	before := p.refused
	p.refused = p.nc.LastError()
	if p.refused != before && errors.Is(p.refused, nats.ErrPermissionViolation) {
		return fmt.Errorf("bus: write to the log's server: %w; grant it to the user of the program", p.refused)
	}
	return nil
}

// Close implements Publisher.
func (p *connPublisher) Close() {
	if p.nc != nil {
		p.nc.Close()
		p.nc, p.refused = nil, nil
	}
}
