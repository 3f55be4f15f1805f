package natsd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/internal/filelock"
)

// Server is an embedded NATS server with JetStream. It can restart in place:
// connections made with Connect find the new server by themselves.
type Server struct {
	config   Config
	auth     *authenticator
	dir      string
	tempDir  bool
	lock     *filelock.Lock
	guard    *guard
	listener *net.TCPAddr
	// leafListener is the port for leaf nodes, 0 if there is none.
	leafListener int
	done         chan struct{}

	mu         sync.Mutex
	current    *server.Server
	stopped    bool
	restarting bool
}

const (
	// A client from outside is disconnected when it has outsidePending bytes that it
	// has not read, or takes no write for outsideWriteDeadline.
	outsidePending       = 64 << 20
	outsideWriteDeadline = 2 * time.Second
	readyTimeout         = 30 * time.Second
	// unbounded replaces the server's default limit, which depends on the free space
	// at start. Less free space than at the last start must not keep a stream from
	// opening; the stream has limits of its own.
	unbounded = 1 << 50
	// streamBuffer is how many messages a stream queues before it drops some. The
	// publishers of the process never have that many in flight.
	streamBuffer = 50_000
)

// Open starts a server. It returns an error for a port in use, for a directory that
// cannot be written or is in use, and for streams that cannot be opened.
func Open(c Config) (*Server, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.SyncInterval == 0 {
		c.SyncInterval = time.Second
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Server{config: c, dir: c.Dir, auth: newAuthenticator(c.Access, outsidePermissions(c)), done: make(chan struct{})}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) open() (err error) {
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "aimdb-log-"); err != nil {
			return fmt.Errorf("natsd: create a temporary directory for a log in memory: %w", err)
		}
		s.tempDir = true
	} else if s.lock, err = lockDir(s.dir); err != nil {
		return err
	}
	if err := CheckFormat(s.dir); err != nil {
		return err
	}
	if err := correctBlocks(s.dir, s.config.Logger); err != nil {
		return err
	}
	if err := s.start(); err != nil {
		return err
	}
	s.guard, err = startGuard(s)
	return err
}

// ensureWritable creates the directory and a file in it, so that the error names the
// directory.
func ensureWritable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("natsd: create the log directory %s: %w", dir, err)
	}
	probe, err := os.CreateTemp(dir, ".probe-")
	if err != nil {
		return fmt.Errorf("natsd: the log directory %s cannot be written: %w", dir, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

func (s *Server) options() (*server.Options, error) {
	opts := &server.Options{
		ServerName:                 s.config.Name,
		DontListen:                 true,
		NoSigs:                     true,
		JetStream:                  true,
		StoreDir:                   s.dir,
		JetStreamMaxMemory:         unbounded,
		JetStreamMaxStore:          unbounded,
		StreamMaxBufferedMsgs:      streamBuffer,
		JetStreamLimits:            server.JSLimitOpts{DefaultMaxConsumers: -1}, // the guard bounds clients from outside
		MaxPayload:                 int32(s.config.MaxMessage),
		MaxPending:                 outsidePending,
		WriteDeadline:              outsideWriteDeadline,
		NoFastProducerStall:        true,
		SyncInterval:               s.config.SyncInterval,
		SyncAlways:                 s.config.SyncAlways,
		DisableJetStreamBanner:     true,
		CustomClientAuthentication: s.auth,
		AlwaysEnableNonce:          true,
	}
	if err := s.config.joinHubs(opts); err != nil {
		return nil, err
	}
	if err := s.config.listenForSites(opts, s.leafListener); err != nil {
		return nil, err
	}
	if s.config.Listen == "" {
		return opts, nil
	}
	var err error
	opts.DontListen = false
	if opts.Host, opts.Port, err = splitAddress(s.config.Listen); err != nil {
		return nil, err
	}
	if s.listener != nil {
		opts.Port = s.listener.Port
	} else if opts.Port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	if opts.TLSConfig, err = s.config.Access.tlsConfig(); err != nil {
		return nil, err
	}
	opts.TLS = opts.TLSConfig != nil
	opts.TLSVerify = s.config.Access.CAFile != ""
	opts.TLSTimeout = 5
	return opts, nil
}

func (s *Server) start() error {
	opts, err := s.options()
	if err != nil {
		return err
	}
	if err := checkPorts(opts); err != nil {
		return err
	}
	node, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("natsd: set up the embedded NATS server: %w", err)
	}
	node.SetLoggerV2(serverLog{s.config.Logger}, false, false, false)
	s.mu.Lock()
	s.current = node
	s.mu.Unlock()
	if err := s.config.openLeafAccounts(node); err != nil {
		return err
	}
	node.Start()
	go s.watch(node)
	if !node.ReadyForConnections(readyTimeout) {
		return fmt.Errorf("natsd: the embedded NATS server on %s was not ready within %v", filepath.Clean(s.dir), readyTimeout)
	}
	if !node.JetStreamEnabled() {
		return fmt.Errorf("natsd: the streams in %s could not be opened; see the log lines before this one", s.dir)
	}
	if err := enableStreams(node); err != nil {
		return fmt.Errorf("natsd: open the streams in %s: %w", s.dir, err)
	}
	outside, err := openOutsideAccount(node, s.config)
	if err != nil {
		return err
	}
	s.auth.outside.Store(outside)
	sites, err := s.config.openSiteAccounts(node)
	if err != nil {
		return err
	}
	s.auth.sites.Store(&sites)
	s.leafListener = opts.LeafNode.Port
	if addr, ok := node.Addr().(*net.TCPAddr); ok && !opts.DontListen {
		s.listener = addr
	}
	return nil
}

// enableStreams opens the streams of the process's own account. The server does that
// itself only if no account is declared.
func enableStreams(node *server.Server) error {
	if inside := node.GlobalAccount(); !inside.JetStreamEnabled() {
		return inside.EnableJetStream(nil, nil)
	}
	return nil
}

// watch closes done when the server stops by itself. It ends with that server.
func (s *Server) watch(node *server.Server) {
	node.WaitForShutdown()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == node && !s.restarting {
		s.end()
	}
}

// end closes done once. The caller holds mu.
func (s *Server) end() {
	select {
	case <-s.done:
	default:
		close(s.done)
	}
}

// checkPorts listens on each port once before the server does, because the server's own
// error for a port in use gives no reason.
func checkPorts(opts *server.Options) error {
	if !opts.DontListen {
		if err := checkPort("NATS clients", opts.Host, opts.Port); err != nil {
			return err
		}
	}
	if opts.LeafNode.Port == 0 {
		return nil
	}
	return checkPort("leaf nodes", opts.LeafNode.Host, opts.LeafNode.Port)
}

func checkPort(who, host string, port int) error {
	if port == server.RANDOM_PORT {
		return nil
	}
	address := net.JoinHostPort(host, fmt.Sprint(port))
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("natsd: listen for %s on %s: %w (choose another address, or none)", who, address, err)
	}
	return l.Close()
}

// InProcessConn implements nats.InProcessConnProvider with the current server.
func (s *Server) InProcessConn() (net.Conn, error) { return s.server().InProcessConn() }

func (s *Server) server() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// Done returns a channel that is closed when the server has stopped for good.
func (s *Server) Done() <-chan struct{} { return s.done }

// Addr returns the address for clients from outside, or nil if there is none.
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener
}

// LeafAddr returns the host:port for leaf nodes, or "" if there is none.
func (s *Server) LeafAddr() string {
	if s.leafListener == 0 {
		return ""
	}
	host, _, err := splitAddress(s.config.LeafListen)
	if err != nil {
		return "" // Open has refused it
	}
	return net.JoinHostPort(host, fmt.Sprint(s.leafListener))
}

// Listens reports whether somebody outside of the process can reach the server: clients
// by its port, or a hub.
func (s *Server) Listens() bool { return s.config.Listen != "" || len(s.config.Leaf) > 0 }

// SubscriptionChanges counts subscriptions and unsubscriptions.
func (s *Server) SubscriptionChanges() uint64 {
	node := s.server()
	if !node.Running() {
		return 0
	}
	stats, err := node.Subsz(&server.SubszOptions{})
	if err != nil {
		return 0 // the server is shutting down
	}
	return stats.NumInserts + stats.NumRemoves
}

// Subscribed reports whether a subject has a subscriber.
func (s *Server) Subscribed(subject string) bool {
	return s.server().GlobalAccount().SubscriptionInterest(subject)
}

// Clients returns the number of connections, and the number of clients that were
// disconnected because they did not read.
func (s *Server) Clients() (connected int, slow int64) {
	node := s.server()
	return node.NumClients(), node.NumSlowConsumers()
}

// Connect opens a connection of the process itself. Its inboxes cannot be read
// by clients from outside.
func (s *Server) Connect(ctx context.Context, purpose string, opts ...nats.Option) (*nats.Conn, error) {
	all := append([]nats.Option{
		nats.InProcessServer(s),
		nats.Name("aimdb " + purpose),
		nats.UserInfo(insideUser, s.auth.secret),
		nats.CustomInboxPrefix("_AIMDB." + s.auth.secret[:12] + "." + purpose),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(20 * time.Millisecond),
		nats.ReconnectJitter(10*time.Millisecond, 10*time.Millisecond),
		nats.RetryOnFailedConnect(false),
		nats.Timeout(10 * time.Second),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			s.config.Logger.Warn("natsd: error on connection "+purpose, "subject", subject, "error", err)
		}),
	}, opts...)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	nc, err := nats.Connect("", all...)
	if err != nil {
		return nil, fmt.Errorf("natsd: connect to the embedded NATS server: %w", err)
	}
	return nc, nil
}

// Close stops the server and waits until it has stopped. It may be called again.
func (s *Server) Close() error {
	if s.guard != nil {
		s.guard.stop()
	}
	s.mu.Lock()
	s.stopped = true
	node := s.current
	s.mu.Unlock()
	if node != nil {
		node.Shutdown()
		node.WaitForShutdown()
	}
	s.mu.Lock()
	s.end()
	s.mu.Unlock()
	var err error
	if s.tempDir {
		err = os.RemoveAll(s.dir)
	}
	return errors.Join(err, s.lock.Release())
}

// NATS returns the current server of the library. Restart replaces it.
func (s *Server) NATS() *server.Server { return s.server() }
