package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/internal/backoff"
	"github.com/aimdb-go/aimdb/records"
)

// Config configures a Server. Only Registry is required.
type Config struct {
	// Registry holds the records; its graph is built before anything is
	// served.
	Registry *records.Registry
	// History may be nil; history methods are refused then.
	History history.Reader
	// RemoteHistory admits clients to the rows of names that are not registered,
	// such as imported or retired records. Rows of records that are registered
	// without Remote are never sent.
	RemoteHistory bool
	// Sinks returns the rows of sink.list. It may be called by several goroutines
	// at a time. It may be nil; the list is empty then.
	Sinks func() []aimx.SinkInfo
	// Verify answers history.verify, with everything: the server removes what clients
	// may not read. One call runs at a time. It may be nil; the method is refused then.
	Verify func(context.Context) (aimx.Verification, error)
	// Migrate answers history.migrate; it calls progress with the number of rows that are
	// rewritten. One call runs at a time. It may be nil; the method is refused then.
	Migrate func(ctx context.Context, progress func(rows int64)) (history.MigrateReport, error)
	// Upkeep answers what an operator asks: stats, losses, dead letters, usage, retention.
	Upkeep Upkeep
	// Follow answers a sub with from. It may be nil; such a sub is refused then.
	Follow Follow
	// Health names what does not work in the database; /health is "degraded" then.
	// It may be called by several goroutines at a time. It may be nil.
	Health func() []string
	// ReadOnly is why no record can be set or drained, empty if some can: the records
	// are those of a database in another process, for example.
	ReadOnly string
	// Name is the name of the database in the answer to hello. Default "aimdb".
	Name string
	// Logger may be nil.
	Logger *slog.Logger
	// Limits bound what clients can take.
	Limits Limits
	// Origins are patterns of further hosts whose pages may open a WebSocket,
	// such as "*.example.com"; "*" admits every page of every site. Pages of the
	// server's own host and of loopback always may. Requests may also name these
	// hosts, as those through a reverse proxy do: see CheckHost.
	Origins []string
	// Access, if it is not open, has what clients over TCP and WebSocket must present: a
	// token, or the name and password of a user. Clients of a unix socket need none, as
	// the mode of its file decides who may connect; they may do everything. Nil is open.
	Access *access.List
	// Ingest sets records. By default it is one for Registry and ReadOnly, which makes no
	// records.
	Ingest *ingest.Writer
}

// Server serves the records of one registry over any number of listeners.
type Server struct {
	config         Config
	methods        map[string]method
	historyMethods map[string]historyMethod
	started        time.Time
	// verifying holds a token while a verification runs.
	verifying chan struct{}
	// migrating holds a token while a migration runs, and rewritten is the number of rows
	// that it has rewritten.
	migrating chan struct{}
	rewritten atomic.Int64
	// trying holds a token while a retention.try runs.
	trying chan struct{}
	ingest *ingest.Writer
	// unwatch ends the watch for revoked grants.
	unwatch  func()
	counters counters

	mu       sync.Mutex
	sessions map[*session]struct{}
	closed   bool
	work     sync.WaitGroup
}

// New returns a server. It serves nothing until Serve or Handler is used.
func New(c Config) *Server {
	if c.Name == "" {
		c.Name = "aimdb"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Limits = c.Limits.withDefaults()
	if c.Access == nil {
		c.Access = access.Everybody()
	}
	if c.Ingest == nil {
		c.Ingest = ingest.New(ingest.Config{Registry: c.Registry, ReadOnly: c.ReadOnly})
	}
	s := &Server{
		config:         c,
		methods:        methods(),
		historyMethods: historyMethods(),
		started:        time.Now(),
		verifying:      make(chan struct{}, 1),
		migrating:      make(chan struct{}, 1),
		trying:         make(chan struct{}, 1),
		ingest:         c.Ingest,
		sessions:       make(map[*session]struct{}),
	}
	s.unwatch = c.Access.OnReplace(s.endRevoked)
	return s
}

// errServerClosed is the cause of connections that end because of Close.
var errServerClosed = errors.New("gateway: the server is closed")

// Serve serves the connections of a listener with one frame a line, such as
// Listen returns. It asks for no token. It closes the listener, and returns nil after
// ctx has ended and its connections are closed.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, l, lineTransport())
}

// ServeTCP is Serve for a TCP listener, where each frame follows its length. It asks
// for a token if there is one in Config.Access. For TLS, give it a listener of package
// crypto/tls.
func (s *Server) ServeTCP(ctx context.Context, l net.Listener) error {
	return s.serve(ctx, l, tcpTransport())
}

func (s *Server) serve(ctx context.Context, l net.Listener, t transport) error {
	ctx, cancel := context.WithCancel(ctx)
	var served sync.WaitGroup
	defer served.Wait()
	defer cancel()
	closing := context.AfterFunc(ctx, func() { s.logCloseError(l.Close(), "close the listener", l) })
	defer closing()
	slots := make(chan struct{}, s.config.Limits.Connections)
	turnedAway := make(chan struct{}, mostTurnedAway)
	for failures := 0; ; {
		accepted, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			failures++
			if err := s.backOff(ctx, err, failures); err != nil {
				return errors.Join(fmt.Errorf("accept on %s: %w", l.Addr(), err), l.Close())
			}
			continue
		}
		failures = 0
		select {
		case slots <- struct{}{}:
		default:
			s.counters.turnedAway.Add(1)
			s.config.Logger.Warn("too many AimX connections; one more is closed", "limit", cap(slots))
			select {
			case turnedAway <- struct{}{}:
				served.Go(func() {
					s.turnAway(ctx, accepted, t)
					<-turnedAway
				})
			default:
				s.logCloseError(accepted.Close(), "close a connection", l)
			}
			continue
		}
		served.Go(func() {
			limits := s.config.Limits
			session := newSession(ctx, s, t.conn(accepted, limits.FrameBytes, limits.WriteTimeout), t)
			session.remote = accepted.RemoteAddr().String()
			s.serveSession(session, nil)
			<-slots
		})
	}
}

// backOff waits after a temporary error of Accept, such as too many open files.
// It returns other errors.
func (s *Server) backOff(ctx context.Context, err error, failures int) error {
	var temporary interface{ Temporary() bool }
	if !errors.As(err, &temporary) || !temporary.Temporary() {
		return err
	}
	s.config.Logger.Warn("cannot accept an AimX connection; trying again", "error", err, "failures", failures)
	pause := backoff.Backoff{First: 10 * time.Millisecond, Longest: time.Second}
	_ = pause.Wait(ctx, failures) // the listener is closed when ctx ends
	return nil
}

// serveSession serves one connection until it or its context ends. Its client is
// admitted with grants if it has presented a token already.
func (s *Server) serveSession(session *session, presented *access.Grants) {
	if !s.add(session) {
		session.end(errServerClosed)
		_ = session.conn.Close() // the client sees that it is closed
		return
	}
	defer s.remove(session)
	switch {
	case !session.transport.asksForTokens:
	case s.config.Access.Open():
		session.admit(s.config.Access.Anonymous())
	default:
		session.asksForToken, session.admitted = true, false
		session.patience = time.AfterFunc(s.config.Limits.TokenTimeout, session.endImpatiently)
		defer session.patience.Stop()
	}
	if presented != nil {
		session.admit(presented)
	}
	session.serve()
}

// add reports false if the server is closed.
func (s *Server) add(session *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.sessions[session] = struct{}{}
	s.work.Add(1)
	return true
}

func (s *Server) remove(session *session) {
	s.mu.Lock()
	delete(s.sessions, session)
	s.mu.Unlock()
	s.work.Done()
}

// Connections returns the number of open connections.
func (s *Server) Connections() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for session := range s.sessions {
		if session.conn != nil { // otherwise it is that of a Call
			n++
		}
	}
	return n
}

// Close closes all connections, those of Handler included, refuses new ones and
// returns when their goroutines have ended. It closes no listener; the context of
// Serve does. It always returns nil.
func (s *Server) Close() error {
	s.unwatch()
	s.mu.Lock()
	s.closed = true
	for session := range s.sessions {
		session.end(errServerClosed)
	}
	s.mu.Unlock()
	s.work.Wait()
	return nil
}

// logCloseError logs the error of a Close that no caller sees.
func (s *Server) logCloseError(err error, doing string, l net.Listener) {
	if err != nil && !errors.Is(err, net.ErrClosed) {
		s.config.Logger.Warn("AimX: cannot "+doing, "address", l.Addr().String(), "error", err)
	}
}
