package bus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// node is the embedded server. It can be started anew in place, which is the
// only way back for a store that a full disk has stopped; connections made
// through it find the new one by themselves.
type node struct {
	config   Config
	gate     *gate
	dir      string
	tempDir  bool
	listener *net.TCPAddr

	mu         sync.Mutex
	current    *server.Server
	stopped    bool
	restarting bool
}

// The limits of a connection from outside: what a client that does not read
// may hold back before it is cut off.
const (
	outsidePending       = 64 << 20
	outsideWriteDeadline = 2 * time.Second
	readyTimeout         = 30 * time.Second
	// unbounded stands where the server would otherwise take a part of what
	// is free today. The stream has a limit of its own, and a lower one than
	// at the last start must not keep it from opening.
	unbounded = 1 << 50
)

func newNode(config Config, g *gate) (*node, error) {
	n := &node{config: config, gate: g, dir: config.Dir}
	if n.dir == "" {
		dir, err := os.MkdirTemp("", "aimdb-log-")
		if err != nil {
			return nil, fmt.Errorf("bus: make a directory for the memory log: %w", err)
		}
		n.dir, n.tempDir = dir, true
	} else if err := writable(n.dir); err != nil {
		return nil, err
	}
	if err := n.start(); err != nil {
		n.stop()
		return nil, err
	}
	return n, nil
}

// writable makes sure that the directory is there and takes files, so that
// the complaint comes from here and not from the depths of the server.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("bus: make the log directory %s: %w", dir, err)
	}
	probe, err := os.CreateTemp(dir, ".probe-")
	if err != nil {
		return fmt.Errorf("bus: the log directory %s cannot be written: %w", dir, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

func (n *node) options() (*server.Options, error) {
	opts := &server.Options{
		ServerName:                 "aimdb-" + n.config.Name,
		DontListen:                 true,
		NoSigs:                     true,
		JetStream:                  true,
		StoreDir:                   n.dir,
		JetStreamMaxMemory:         unbounded,
		JetStreamMaxStore:          unbounded,
		StreamMaxBufferedMsgs:      streamBuffer,
		JetStreamLimits:            server.JSLimitOpts{DefaultMaxConsumers: -1}, // the guard bounds the outside
		MaxPayload:                 int32(n.config.MaxValue) + 4096,
		MaxPending:                 outsidePending,
		WriteDeadline:              outsideWriteDeadline,
		NoFastProducerStall:        true,
		SyncInterval:               n.config.SyncInterval,
		SyncAlways:                 n.config.Durable,
		DisableJetStreamBanner:     true,
		CustomClientAuthentication: n.gate,
		AlwaysEnableNonce:          true,
	}
	if n.config.Listen == "" {
		return opts, nil
	}
	var err error
	opts.DontListen = false
	if opts.Host, opts.Port, err = n.config.address(); err != nil {
		return nil, err
	}
	if n.listener != nil {
		opts.Port = n.listener.Port
	} else if opts.Port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	if opts.TLSConfig, err = n.config.Access.tlsConfig(); err != nil {
		return nil, err
	}
	opts.TLS = opts.TLSConfig != nil
	opts.TLSVerify = n.config.Access.CAFile != ""
	opts.TLSTimeout = 5
	return opts, nil
}

func (n *node) start() error {
	opts, err := n.options()
	if err != nil {
		return err
	}
	if err := portFree(opts); err != nil {
		return err
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return fmt.Errorf("bus: set up the embedded NATS server: %w", err)
	}
	s.SetLoggerV2(serverLog{n.config.Logger}, false, false, false)
	n.mu.Lock()
	n.current = s
	n.mu.Unlock()
	s.Start()
	if !s.ReadyForConnections(readyTimeout) {
		return fmt.Errorf("bus: the embedded NATS server on %s was not ready within %v", filepath.Clean(n.dir), readyTimeout)
	}
	if !s.JetStreamEnabled() {
		return fmt.Errorf("bus: the log in %s could not be opened; the log lines above say why", n.dir)
	}
	outside, err := openOutside(s, n.config.Name)
	if err != nil {
		return err
	}
	n.gate.outside.Store(outside)
	if addr, ok := s.Addr().(*net.TCPAddr); ok && !opts.DontListen {
		n.listener = addr
	}
	return nil
}

// portFree asks for the port before the server does, because the server's own
// way of telling that it is taken is to end without a reason.
func portFree(opts *server.Options) error {
	if opts.DontListen || opts.Port == server.RANDOM_PORT {
		return nil
	}
	address := net.JoinHostPort(opts.Host, fmt.Sprint(opts.Port))
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("bus: listen for NATS clients on %s: %w (choose another address, or none)", address, err)
	}
	return l.Close()
}

// InProcessConn implements nats.InProcessConnProvider with whichever server
// is the present one.
func (n *node) InProcessConn() (net.Conn, error) { return n.server().InProcessConn() }

func (n *node) server() *server.Server {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.current
}

// running reports whether the server lives, or is being started anew.
func (n *node) running() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.stopped && n.current != nil && (n.restarting || n.current.Running())
}

// connect makes a connection of the process's own. Its inboxes lie where
// nobody else may subscribe.
func (n *node) connect(ctx context.Context, purpose string, opts ...nats.Option) (*nats.Conn, error) {
	all := append([]nats.Option{
		nats.InProcessServer(n),
		nats.Name("aimdb " + purpose),
		nats.UserInfo(insideUser, n.gate.secret),
		nats.CustomInboxPrefix("_AIMDB." + n.gate.secret[:12] + "." + purpose),
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
			n.config.Logger.Warn("bus: connection "+purpose+" reports an error", "subject", subject, "error", err)
		}),
	}, opts...)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	nc, err := nats.Connect("", all...)
	if err != nil {
		return nil, fmt.Errorf("bus: connect to the embedded NATS server: %w", err)
	}
	return nc, nil
}

// restart stops the server and opens its store again.
func (n *node) restart() error {
	n.mu.Lock()
	n.restarting = !n.stopped
	old, stopped := n.current, n.stopped
	n.mu.Unlock()
	if stopped {
		return errors.New("bus: the server is stopped for good")
	}
	n.gate.outside.Store(nil)
	old.Shutdown()
	old.WaitForShutdown()
	err := n.start()
	n.mu.Lock()
	n.restarting = false
	stopped, last := n.stopped, n.current
	n.mu.Unlock()
	if stopped { // meanwhile
		last.Shutdown()
		last.WaitForShutdown()
	}
	return err
}

func (n *node) stop() {
	n.mu.Lock()
	n.stopped = true
	s := n.current
	n.mu.Unlock()
	if s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
	if n.tempDir {
		if err := os.RemoveAll(n.dir); err != nil {
			n.config.Logger.Warn("bus: remove the memory log's directory", "dir", n.dir, "error", err)
		}
	}
}
