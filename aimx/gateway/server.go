package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/records"
)

// Config says what a server serves.
type Config struct {
	// Registry holds the records; its graph is built before anything is
	// served.
	Registry *records.Registry
	// History may be nil: what asks for it is then told that there is none.
	History history.Reader
	// Name is what the server calls itself in hello. Default "aimdb".
	Name string
	// Logger may be nil.
	Logger *slog.Logger
	Limits Limits
	// Origins are the hosts whose pages may open a WebSocket beside those of
	// the server's own host and of loopback, as patterns such as
	// "*.example.com"; "*" admits every page of every site.
	Origins []string
}

// Server serves the records of one registry over any number of listeners.
type Server struct {
	config    Config
	methods   map[string]method
	questions map[string]question
	started   time.Time

	mu       sync.Mutex
	sessions map[*session]struct{}
	closed   bool
	work     sync.WaitGroup
}

// NewServer returns a server that serves nothing yet.
func New(c Config) *Server {
	if c.Name == "" {
		c.Name = "aimdb"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Limits = c.Limits.withDefaults()
	return &Server{
		config:    c,
		methods:   methodTable(),
		questions: questionTable(),
		started:   time.Now(),
		sessions:  make(map[*session]struct{}),
	}
}

// errServerClosed is why connections end at Close.
var errServerClosed = errors.New("aimx: the server is closed")

// Serve serves the connections of a listener that has one frame a line, as
// Listen returns it. It closes the listener, and returns nil when ctx has ended
// and all its connections are closed.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var served sync.WaitGroup
	defer served.Wait()
	defer cancel()
	closing := context.AfterFunc(ctx, func() { s.logIf(l.Close(), "close the listener", l) })
	defer closing()
	slots := make(chan struct{}, s.config.Limits.Connections)
	for pause := time.Duration(0); ; {
		accepted, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if pause, err = s.acceptAgain(ctx, err, pause); err != nil {
				return errors.Join(fmt.Errorf("accept on %s: %w", l.Addr(), err), l.Close())
			}
			continue
		}
		pause = 0
		select {
		case slots <- struct{}{}:
		default:
			s.config.Logger.Warn("too many AimX connections; one more is closed", "limit", cap(slots))
			s.logIf(accepted.Close(), "close a connection", l)
			continue
		}
		served.Go(func() {
			limits := s.config.Limits
			s.serveConn(ctx, wire.NewLineConn(accepted, limits.FrameBytes, limits.WriteTimeout), lineTransport())
			<-slots
		})
	}
}

// acceptAgain waits after an error that may pass, such as too many open files.
func (s *Server) acceptAgain(ctx context.Context, err error, pause time.Duration) (time.Duration, error) {
	var temporary interface{ Temporary() bool }
	if !errors.As(err, &temporary) || !temporary.Temporary() {
		return 0, err
	}
	pause = min(max(2*pause, 10*time.Millisecond), time.Second)
	s.config.Logger.Warn("cannot accept an AimX connection; trying again", "error", err, "after", pause)
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
	return pause, nil
}

// run serves one connection until it or ctx ends.
func (s *Server) serveConn(ctx context.Context, c wire.Conn, d transport) {
	if s.config.Limits.Subscriptions > 0 {
		d.subscriptions = s.config.Limits.Subscriptions
	}
	session := newSession(ctx, s, c, d)
	if !s.enter(session) {
		session.hangUp(errServerClosed)
		_ = c.Close() // the client sees the end, and there is nobody else to tell
		return
	}
	defer s.leave(session)
	session.serve()
}

func (s *Server) enter(session *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.sessions[session] = struct{}{}
	s.work.Add(1)
	return true
}

func (s *Server) leave(session *session) {
	s.mu.Lock()
	delete(s.sessions, session)
	s.mu.Unlock()
	s.work.Done()
}

// Connections returns the number of clients connected now.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// Close closes all connections, those of Handler included, lets no new ones in
// and returns when their goroutines have ended. Listeners are closed by the
// context of their Serve.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	for session := range s.sessions {
		session.hangUp(errServerClosed)
	}
	s.mu.Unlock()
	s.work.Wait()
	return nil
}

// logIf logs the error of closing something, which nobody waits for.
func (s *Server) logIf(err error, doing string, l net.Listener) {
	if err != nil && !errors.Is(err, net.ErrClosed) {
		s.config.Logger.Warn("aimx: cannot "+doing, "address", l.Addr().String(), "error", err)
	}
}
