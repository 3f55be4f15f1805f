package aimx

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// acceptedEndpoints is part of every error about an endpoint.
const acceptedEndpoints = "write unix://PATH, uds://PATH, a bare path, tcp://HOST:PORT, ws://HOST:PORT[/PATH], http://HOST[:PORT], or with TLS tcps://, wss:// or https://"

// Endpoint is the address of a server. One of Path, Address, URL and Other is set.
type Endpoint struct {
	// Path is the path of a unix socket.
	Path string
	// Address is the host:port of a TCP server, and TLS says that it speaks TLS.
	Address string
	TLS     bool
	// URL is the address of a WebSocket.
	URL string
	// Other is the address that DialOver was given.
	Other string
}

// ParseEndpoint parses unix://PATH, uds://PATH and a bare path, which are unix
// sockets, tcp://HOST:PORT and tcps://HOST:PORT, which are TCP without and with TLS, and
// ws://HOST:PORT[/PATH] and wss://HOST:PORT[/PATH], which are WebSockets. The default
// path of a WebSocket is /ws. http:// and https://, as in the address of a web page, are
// read as ws:// and wss:// with the ports that a browser takes. The case of the scheme
// does not matter. The scheme tcps is of this project: upstream has no TLS.
func ParseEndpoint(s string) (Endpoint, error) {
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		return socketEndpoint(s, s)
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "unix", "uds":
		return socketEndpoint(s, rest)
	case "ws", "wss":
		return webSocketEndpoint(s, scheme+"://"+rest, "")
	case "http":
		return webSocketEndpoint(s, "ws://"+rest, "80")
	case "https":
		return webSocketEndpoint(s, "wss://"+rest, "443")
	case "tcp", "tcps":
		return tcpEndpoint(s, rest, scheme == "tcps")
	case "serial":
		return Endpoint{}, fmt.Errorf("endpoint %q: AimX over %s is not supported yet; %s", redacted(s), scheme, acceptedEndpoints)
	}
	return Endpoint{}, fmt.Errorf("endpoint %q: unknown scheme %q; %s", redacted(s), scheme, acceptedEndpoints)
}

// maxSocketPath is the longest path of a unix socket that every system accepts.
// Longer ones fail with "invalid argument", which says nothing.
const maxSocketPath = 103

func socketEndpoint(s, path string) (Endpoint, error) {
	switch {
	case path == "":
		return Endpoint{}, fmt.Errorf("endpoint %q names no socket; %s", s, acceptedEndpoints)
	case strings.HasPrefix(path, "@") || strings.ContainsRune(path, 0):
		// An abstract socket has no file mode, and so no access control.
		return Endpoint{}, fmt.Errorf("endpoint %q: a socket needs a path in the file system", s)
	case len(path) > maxSocketPath:
		return Endpoint{}, fmt.Errorf("endpoint %q: the path of a socket has at most %d bytes, this one has %d; use a shorter one", s, maxSocketPath, len(path))
	}
	return Endpoint{Path: path}, nil
}

func tcpEndpoint(s, address string, secure bool) (Endpoint, error) {
	if host, port, err := net.SplitHostPort(address); err != nil || host == "" || port == "" || strings.Contains(address, "@") {
		return Endpoint{}, fmt.Errorf("endpoint %q has no host and port, such as tcp://127.0.0.1:7433 or tcp://[::1]:7433; %s", redacted(s), acceptedEndpoints)
	}
	return Endpoint{Address: address, TLS: secure}, nil
}

// webSocketEndpoint parses the address of a WebSocket. Without a default port it needs one.
func webSocketEndpoint(s, address, defaultPort string) (Endpoint, error) {
	u, err := url.Parse(address)
	if err != nil {
		return Endpoint{}, fmt.Errorf("endpoint %q: %w; %s", redacted(s), errors.Unwrap(err), acceptedEndpoints)
	}
	if u.Port() == "" && u.Hostname() != "" && defaultPort != "" {
		u.Host = net.JoinHostPort(u.Hostname(), defaultPort)
	}
	if _, port, err := net.SplitHostPort(u.Host); err != nil || port == "" {
		return Endpoint{}, fmt.Errorf("endpoint %q has no host and port; %s", redacted(s), acceptedEndpoints)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/ws"
	}
	u.Fragment = "" // of a page; a WebSocket has none
	return Endpoint{URL: u.String()}, nil
}

// String returns the endpoint in a form that ParseEndpoint accepts, unless it is Other,
// and but for a token or a password in a URL, which it hides.
func (e Endpoint) String() string {
	switch {
	case e.Other != "":
		return e.Other
	case e.URL != "":
		return withoutToken(e.URL)
	case e.TLS:
		return "tcps://" + e.Address
	case e.Address != "":
		return "tcp://" + e.Address
	}
	return "unix://" + e.Path
}

// withoutToken hides the query parameter token and the password of a URL.
func withoutToken(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return redacted(address)
	}
	if query := u.Query(); query.Has("token") {
		query.Set("token", "hidden")
		u.RawQuery = query.Encode()
	}
	return u.Redacted()
}

// redacted returns an endpoint that cannot be parsed without what may be a password or a
// token.
func redacted(s string) string {
	shown, _, query := strings.Cut(s, "?")
	if query {
		shown += "?…"
	}
	scheme, rest, found := strings.Cut(shown, "://")
	if at := strings.LastIndexByte(rest, '@'); found && at >= 0 {
		return scheme + "://…" + rest[at:]
	}
	return shown
}
