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
	bus  *Bus
	nc   *nats.Conn
	msgs []*nats.Msg
}

// Add implements Publisher.
func (p *connPublisher) Add(subject string, reply, headers, value []byte) {
	m := &nats.Msg{Subject: subject, Reply: string(reply), Data: bytes.Clone(value), Header: nats.Header{}}
	for line := range bytes.SplitSeq(headers, []byte("\r\n")) {
		if name, text, ok := bytes.Cut(line, []byte(": ")); ok {
			m.Header[string(name)] = []string{string(text)}
		}
	}
	p.msgs = append(p.msgs, m)
}

// Flush implements Publisher.
func (p *connPublisher) Flush() (err error) {
	defer func() { p.msgs = p.msgs[:0] }()
	if p.nc == nil {
		if p.nc, err = p.bus.server.Connect(context.Background(), "publish", nats.ReconnectBufSize(-1)); err != nil {
			return err
		}
	}
	before := p.nc.LastError()
	for _, m := range p.msgs {
		if err := p.nc.PublishMsg(m); err != nil {
			return fmt.Errorf("bus: write to the log's server: %w", err)
		}
	}
	if err := p.nc.FlushTimeout(publishTimeout); err != nil {
		return fmt.Errorf("bus: write to the log's server: %w", err)
	}
	// The server refuses a message without an answer to it, and says so before it
	// answers the flush.
	if err := p.nc.LastError(); err != before && errors.Is(err, nats.ErrPermissionViolation) {
		return fmt.Errorf("bus: write to the log's server: %w; grant it to the user of the program", err)
	}
	return nil
}

// Close implements Publisher.
func (p *connPublisher) Close() {
	if p.nc != nil {
		p.nc.Close()
		p.nc = nil
	}
}
