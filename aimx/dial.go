package aimx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"github.com/coder/websocket"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// DialOption changes how Dial connects.
type DialOption func(*dialOptions)

type dialOptions struct {
	token string
	tls   *tls.Config
	open  func(context.Context) (Conn, error) // set by DialOver
}

// Conn carries the frames of a connection that another package makes. One goroutine may
// receive while another one sends.
type Conn interface {
	// Receive returns the next frame, which is valid until the next call.
	Receive() ([]byte, error)
	// Send sends one frame.
	Send(frame []byte) error
	// Close ends Receive and Send. It may be called at any time and repeatedly.
	Close() error
}

// DialOver connects by a transport that this package does not have, such as that of
// package [github.com/aimdb-go/aimdb/aimx/natsconn]. It calls open, and a [Client.Follow]
// calls it again after a cut. Errors call the server by its address. DialOver does not
// greet the server.
func DialOver(ctx context.Context, address string, open func(context.Context) (Conn, error)) (*Client, error) {
	return dial(ctx, Endpoint{Other: address}, dialOptions{open: open})
}

// Token presents a token, or NAME:PASSWORD of a user, to the server: in hello, and to a WebSocket in the header
// Authorization too. Without TLS, others on the way can read it.
func Token(token string) DialOption { return func(o *dialOptions) { o.token = token } }

// TLS sets how the certificate of the server of a tcps:// or wss:// endpoint is checked,
// and which certificate is shown to it. Without it, the authorities of the system count.
func TLS(config *tls.Config) DialOption { return func(o *dialOptions) { o.tls = config } }

// Dial connects to the server at an endpoint: see ParseEndpoint. It takes at most 5
// seconds if ctx has no earlier deadline.
func Dial(ctx context.Context, endpoint string, options ...DialOption) (*Client, error) {
	e, err := ParseEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	var o dialOptions
	for _, option := range options {
		option(&o)
	}
	return dial(ctx, e, o)
}

func dial(ctx context.Context, e Endpoint, o dialOptions) (*Client, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if o.open != nil {
		conn, err := o.open(ctx)
		if err != nil {
			return nil, err
		}
		return newClient(e, conn, o), nil
	}
	if e.URL != "" {
		return dialWebSocket(ctx, e, o)
	}
	return dialSocket(ctx, e, o)
}

// dialSocket connects to a unix socket or over TCP.
func dialSocket(ctx context.Context, e Endpoint, o dialOptions) (*Client, error) {
	conn, err := dialFrames(ctx, e, o.tls)
	if err != nil {
		return nil, &ConnectionError{Endpoint: e.String(), Advice: dialAdvice(err), Err: err}
	}
	c := newClient(e, conn, o)
	if c.greeting, err = c.Info(ctx); err != nil {
		return nil, errors.Join(helloError(e, err), c.Close())
	}
	return c, nil
}

func dialFrames(ctx context.Context, e Endpoint, config *tls.Config) (wire.Conn, error) {
	if e.Address == "" {
		conn, err := (&net.Dialer{}).DialContext(ctx, "unix", e.Path)
		if err != nil {
			return nil, err
		}
		return wire.NewLineConn(conn, clientFrameBytes, clientWriteTimeout), nil
	}
	dial := (&net.Dialer{}).DialContext
	if e.TLS {
		dial = (&tls.Dialer{Config: config}).DialContext
	}
	conn, err := dial(ctx, "tcp", e.Address)
	if err != nil {
		return nil, err
	}
	return wire.NewLengthConn(conn, clientFrameBytes, clientWriteTimeout), nil
}

// helloError explains a failed hello.
func helloError(e Endpoint, err error) error {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return err
	}
	return &ConnectionError{
		Endpoint: e.String(), Err: fmt.Errorf("hello failed: %w", err),
		Advice: "check that an AimX server listens there and is not full, and whether it speaks TLS",
	}
}

// dialAdvice says what a user can do about a failed dial.
func dialAdvice(err error) string {
	var unknown *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &unknown):
		return "the certificate of the server is not trusted for this host; give the CA that has signed it"
	case errors.Is(err, io.EOF):
		return "the server closed the connection; check whether it speaks TLS there"
	case errors.As(err, &noTLS):
		return "the server speaks no TLS there; leave the s of tcps or wss out"
	case errors.Is(err, fs.ErrNotExist):
		return "start the database, or give the endpoint of one that runs"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there; start the database, or give the endpoint of one that runs"
	case errors.Is(err, fs.ErrPermission):
		return "the socket belongs to another user; run as the user that runs the database"
	}
	return "check that a database runs there"
}

func dialWebSocket(ctx context.Context, e Endpoint, o dialOptions) (*Client, error) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return nil, err
	}
	query := u.Query()
	query.Set("v", Version)
	u.RawQuery = query.Encode()
	// Use a separate HTTP client, so that no idle connection outlives the call.
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: o.tls}
	defer transport.CloseIdleConnections()
	header := http.Header{}
	if o.token != "" {
		header.Set("Authorization", "Bearer "+o.token)
	}
	socket, response, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, HTTPHeader: header})
	if err != nil {
		if inner := (*url.Error)(nil); errors.As(err, &inner) {
			err = inner.Err // the URL may hold a token
		}
		advice := dialAdvice(err)
		switch {
		case response == nil:
		case response.StatusCode == http.StatusUpgradeRequired:
			advice = "the server does not speak AimX " + Version
		case response.StatusCode == http.StatusUnauthorized:
			advice = "the server does not know the token"
		default:
			advice = fmt.Sprintf("the web server answered %s; check host, port and path", response.Status)
		}
		return nil, &ConnectionError{Endpoint: e.String(), Advice: advice, Err: err}
	}
	return newClient(e, wire.NewMessageConn(socket, clientFrameBytes, clientWriteTimeout), o), nil
}
