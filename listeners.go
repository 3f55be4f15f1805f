package aimdb

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/internal/tlsfile"
)

// headerTimeout is how long a web client may take to ask.
const headerTimeout = 10 * time.Second

// idleTimeout ends a connection on which a web client asks nothing more. It does not end
// WebSockets and streams.
const idleTimeout = 2 * time.Minute

// listeners are the sockets of the gateway. They are opened before anything is
// served, so that a taken one is known at once.
type listeners struct {
	sockets  []net.Listener
	tcp, web net.Listener // nil if there is none
	handler  http.Handler
}

func (l *listeners) open(c Config) error {
	secure, err := c.TLS.config()
	if err != nil {
		return fmt.Errorf("aimdb: %w", err)
	}
	for _, endpoint := range c.Gateways {
		socket, err := gateway.Listen(endpoint)
		if err != nil {
			return fmt.Errorf("aimdb: open the gateway: %w", err)
		}
		l.sockets = append(l.sockets, socket)
	}
	if l.tcp, err = listenTCP(c.TCP, secure); err != nil {
		return fmt.Errorf("aimdb: serve AimX over TCP: %w", err)
	}
	if l.web, err = listenTCP(c.HTTP, secure); err != nil {
		return fmt.Errorf("aimdb: open the web server: %w", err)
	}
	l.handler = c.Handler
	return nil
}

// config returns nil if there is no certificate.
func (f TLSFiles) config() (*tls.Config, error) {
	if f.CertFile == "" {
		return nil, nil
	}
	return tlsfile.Server(f.CertFile, f.KeyFile, f.CAFile)
}

// listenTCP returns nil if the address is empty.
func listenTCP(address string, secure *tls.Config) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", withHost(address))
	if err != nil {
		return nil, fmt.Errorf("%w; choose another address or stop what listens there", err)
	}
	if secure != nil {
		return tls.NewListener(l, secure), nil
	}
	return l, nil
}

// withHost returns an address with the host 127.0.0.1 if it has none. An address on
// all interfaces has to be written as 0.0.0.0 or [::].
func withHost(address string) string {
	if host, port, err := net.SplitHostPort(address); err == nil && host == "" {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// close may be called again, and after the listeners were closed by who
// served them.
func (l *listeners) close() error {
	var errs []error
	for _, listener := range append(l.sockets[:len(l.sockets):len(l.sockets)], l.tcp, l.web) {
		if listener != nil {
			errs = append(errs, closed(listener.Close()))
		}
	}
	return errors.Join(errs...)
}

// addrOf returns the address of a listener, nil if there is none.
func addrOf(l net.Listener) net.Addr {
	if l == nil {
		return nil
	}
	return l.Addr()
}

func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// webServer is the web server of a database.
type webServer struct {
	listener net.Listener
	server   *http.Server
}

// newWebServer serves the probes, the gateway at /ws, /aimx.js, /version and /health, and
// the handler at every other path. Only the probes are answered before the database serves;
// other requests wait for that.
func (db *DB) newWebServer() *webServer {
	l, g, logger := &db.listeners, db.gateway, db.config.Logger
	mux := http.NewServeMux()
	own := g.Handler()
	for _, path := range []string{"/ws", "/aimx.js", "/version", "/health"} {
		mux.Handle(path, own)
	}
	if l.handler != nil {
		mux.Handle("/", g.CheckHost(l.handler))
	}
	probes := http.NewServeMux()
	probes.Handle("/", db.untilReady(mux))
	for _, path := range []string{"/livez", "/readyz", "/startupz"} {
		probes.Handle(path, db.Probes())
	}
	server := &http.Server{
		Handler: db.web.count(probes), ConnState: db.web.state, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, BaseContext: gateway.ListenerContext,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(g.EndFollowers) // a shutdown waits for handlers
	return &webServer{l.web, server}
}

// run serves until ctx ends, or until drain has been called.
func (w *webServer) run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = w.server.Close() })() // Serve returns the reason to end
	if err := w.server.Serve(w.listener); ctx.Err() == nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("aimdb: serve %v: %w", w.listener.Addr(), err)
	}
	<-ctx.Done()
	return nil
}

// drain takes no new requests and waits for those that are being answered, for no
// longer than ctx.
func (w *webServer) drain(ctx context.Context) { _ = w.server.Shutdown(ctx) } // run closes what is left

// Addresses says what the database listens on.
type Addresses struct {
	// Gateways are the AimX endpoints on unix sockets.
	Gateways []string
	// HTTP, TCP and NATS are host:port, empty if there is no such listener.
	HTTP, TCP, NATS string
}

// Addresses returns what the database listens on, with the ports the system
// chose for those given as 0.
func (db *DB) Addresses() Addresses {
	var a Addresses
	if nats := db.natsAddr(); nats != nil {
		a.NATS = nats.String()
	}
	for _, socket := range db.listeners.sockets {
		a.Gateways = append(a.Gateways, "unix://"+socket.Addr().String())
	}
	if tcp := db.listeners.tcp; tcp != nil {
		a.TCP = tcp.Addr().String()
	}
	if web := db.listeners.web; web != nil {
		a.HTTP = web.Addr().String()
	}
	return a
}
