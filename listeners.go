package aimdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aimdb-go/aimdb/aimx/gateway"
)

// headerTimeout is how long a web client may take to ask.
const headerTimeout = 10 * time.Second

// listeners are the sockets of the gateway. They are opened before anything is
// served, so that a taken one is known at once.
type listeners struct {
	sockets []net.Listener
	web     net.Listener
	handler http.Handler
}

func (l *listeners) open(c Config) error {
	for _, endpoint := range c.Gateways {
		socket, err := gateway.Listen(endpoint)
		if err != nil {
			return fmt.Errorf("aimdb: open the gateway: %w", err)
		}
		l.sockets = append(l.sockets, socket)
	}
	if c.HTTP == "" {
		return nil
	}
	web, err := net.Listen("tcp", withHost(c.HTTP))
	if err != nil {
		return fmt.Errorf("aimdb: open the web server: %w; choose another address or stop what listens there", err)
	}
	l.web, l.handler = web, c.Handler
	return nil
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
	for _, socket := range l.sockets {
		errs = append(errs, closed(socket.Close()))
	}
	if l.web != nil {
		errs = append(errs, closed(l.web.Close()))
	}
	return errors.Join(errs...)
}

// webAddr returns the address of the web server, nil if there is none.
func (l *listeners) webAddr() net.Addr {
	if l.web == nil {
		return nil
	}
	return l.web.Addr()
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

// newWebServer serves the gateway at /ws, /version and /health, and the handler at
// every other path.
func (l *listeners) newWebServer(g *gateway.Server) *webServer {
	mux := http.NewServeMux()
	own := g.Handler()
	for _, path := range []string{"/ws", "/version", "/health"} {
		mux.Handle(path, own)
	}
	if l.handler != nil {
		mux.Handle("/", g.CheckHost(l.handler))
	}
	return &webServer{l.web, &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout, BaseContext: gateway.ListenerContext}}
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
	// Gateways are the AimX endpoints.
	Gateways []string
	// HTTP and NATS are host:port, empty if there is no such listener.
	HTTP, NATS string
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
	if web := db.listeners.webAddr(); web != nil {
		a.HTTP = web.String()
	}
	return a
}
