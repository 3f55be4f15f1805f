package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/records"
	broker "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// topicAliases is how many topics a client of MQTT 5 may abbreviate.
const topicAliases = 32

// Server serves MQTT for one database. It is safe for concurrent use.
type Server struct {
	config   Config
	topics   topics
	registry *records.Registry
	writer   *ingest.Writer
	access   *access.List
	broker   *broker.Server
	sessions sessions
	counters counters
	// ctx ends with Close. work is what sessions left for later.
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	// serving are the calls of Serve; mu makes none begin after Close.
	mu      sync.Mutex
	serving sync.WaitGroup
	// slots bound the connections, those that have not sent CONNECT yet included.
	slots chan struct{}
}

// New returns a server for a database. The caller calls Close when it is done.
func New(db *aimdb.DB, c Config) (*Server, error) {
	if err := c.Limits.Check(); err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	c = c.withDefaults()
	s := &Server{
		config: c, topics: newTopics(db.Name()),
		registry: db.Registry(), writer: db.Ingest().Via("mqtt"), access: db.Access(),
		slots: make(chan struct{}, c.Limits.Clients+c.Limits.Clients/10+16),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.broker = broker.New(&broker.Options{Logger: slog.New(slog.DiscardHandler), Capabilities: c.capabilities()})
	if err := s.broker.AddHook(&hook{server: s}, nil); err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	return s, nil
}

// capabilities are those of the broker library. It keeps nothing for clients: sessions and
// messages to subscribers are those of this package.
func (c Config) capabilities() *broker.Capabilities {
	b := broker.NewDefaultServerCapabilities()
	b.MaximumClients = int64(c.Limits.Clients)
	b.MaximumPacketSize = uint32(c.Limits.PacketBytes)
	b.MaximumClientWritesPending = 1
	b.MaximumSessionExpiryInterval = uint32(min(c.Limits.SessionExpiry/time.Second, math.MaxUint32-1))
	b.ReceiveMaximum = uint16(c.Limits.InFlight)
	b.TopicAliasMaximum = topicAliases
	b.Compatibilities.NoInheritedPropertiesOnAck = true
	return b
}

// Serve accepts clients until ctx ends or Close is called, and then disconnects them: it reads
// no further message, and acknowledges those that it took once the log has them, up to
// DrainTimeout. It closes the listener. Several listeners may be served at a time.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	if !s.begin() {
		return errors.Join(fmt.Errorf("mqtt: serve %v: the server was closed", l.Addr()), l.Close())
	}
	defer s.serving.Done()
	s.warnOfExposure(l.Addr())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	if s.config.TLS != nil {
		l = tls.NewListener(l, s.config.TLS)
	}
	defer context.AfterFunc(ctx, func() { _ = l.Close() })() // Accept returns the reason to end
	var clients sync.WaitGroup
	defer clients.Wait()
	defer cancel()
	for {
		nc, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = nc.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("mqtt: serve %v: %w", l.Addr(), err)
		case err != nil: // of one connection, or too many open files
			s.config.Logger.Warn("an MQTT connection was not accepted", "address", l.Addr().String(), "error", err)
			pause(ctx, 100*time.Millisecond)
			continue
		}
		select {
		case s.slots <- struct{}{}:
			clients.Go(func() {
				defer func() { <-s.slots }()
				s.serve(ctx, nc)
			})
		default:
			s.counters.refuse(causeBusy)
			_ = nc.Close()
		}
	}
}

// pause waits for a time or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

// serve serves one connection until it ends.
func (s *Server) serve(ctx context.Context, nc net.Conn) {
	c := newConn(s, ctx, nc)
	defer context.AfterFunc(ctx, c.stop)()
	err := s.establish(c)
	if cause := causeOf(err); cause != "" && !c.ended.Load() {
		c.count(cause, err)
	}
	c.cleanup()
}

// causeOf returns the cause that an error of the library is counted as, "" for the end of a
// connection that nobody is to blame for.
func causeOf(err error) string {
	var code packets.Code
	var lost net.Error
	switch {
	case errors.As(err, &code) && code.Code < packets.ErrUnspecifiedError.Code:
		return ""
	case code == packets.ErrBadUsernameOrPassword:
		return causeLogin
	case code == packets.ErrServerBusy:
		return causeBusy
	case errors.Is(err, os.ErrDeadlineExceeded):
		return causeSilent
	case errors.Is(err, io.ErrUnexpectedEOF):
		return causeProtocol
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, broker.ErrConnectionClosed), errors.As(err, &lost):
		return ""
	}
	return causeProtocol
}

// later does what a session left for later, unless the server was closed.
func (s *Server) later(do func()) {
	s.sessions.mu.Lock()
	closed := s.sessions.closed
	if !closed {
		s.work.Add(1)
	}
	s.sessions.mu.Unlock()
	if !closed {
		defer s.work.Done()
		do()
	}
}

// begin counts a call of Serve, unless the server was closed.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	s.serving.Add(1)
	return true
}

// Close makes Serve disconnect all clients, waits for it, and forgets the sessions. The log
// must run until it returns, or nothing more is acknowledged.
func (s *Server) Close() {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.serving.Wait()
	s.sessions.close()
	s.work.Wait()
}
