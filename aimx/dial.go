package aimx

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"syscall"

	"github.com/coder/websocket"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// Dial connects to the server at unix://PATH, uds://PATH, a bare path, or
// ws://HOST:PORT[/PATH]. It takes at most 5 seconds if ctx has no earlier
// deadline.
func Dial(ctx context.Context, endpoint string) (*Client, error) {
	e, err := ParseEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if e.URL != "" {
		return dialWebSocket(ctx, e)
	}
	return dialSocket(ctx, e)
}

func dialSocket(ctx context.Context, e Endpoint) (*Client, error) {
	connection, err := (&net.Dialer{}).DialContext(ctx, "unix", e.Path)
	if err != nil {
		return nil, &ConnectionError{Endpoint: e.String(), Advice: dialAdvice(err), Err: err}
	}
	c := newClient(e, wire.NewLineConn(connection, clientFrameBytes, clientWriteTimeout))
	if _, err := c.Info(ctx); err != nil {
		return nil, errors.Join(helloError(e, err), c.Close())
	}
	return c, nil
}

// helloError explains a failed hello.
func helloError(e Endpoint, err error) error {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return err
	}
	return &ConnectionError{
		Endpoint: e.String(), Err: fmt.Errorf("hello failed: %w", err),
		Advice: "check that an AimX server listens there and is not full",
	}
}

// dialAdvice says what a user can do about a failed dial.
func dialAdvice(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "start the database, or give the endpoint of one that runs"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nobody listens there; start the database, or give the endpoint of one that runs"
	case errors.Is(err, fs.ErrPermission):
		return "the socket belongs to another user; run as the user that runs the database"
	}
	return "check that a database runs there"
}

func dialWebSocket(ctx context.Context, e Endpoint) (*Client, error) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return nil, err
	}
	query := u.Query()
	query.Set("v", Version)
	u.RawQuery = query.Encode()
	// Use a separate HTTP client, so that no idle connection outlives the call.
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	socket, response, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	if err != nil {
		advice := dialAdvice(err)
		switch {
		case response == nil:
		case response.StatusCode == http.StatusUpgradeRequired:
			advice = "the server does not speak AimX " + Version
		default:
			advice = fmt.Sprintf("the web server answered %s; check host, port and path", response.Status)
		}
		return nil, &ConnectionError{Endpoint: e.String(), Advice: advice, Err: err}
	}
	return newClient(e, wire.NewMessageConn(socket, clientFrameBytes, clientWriteTimeout)), nil
}
