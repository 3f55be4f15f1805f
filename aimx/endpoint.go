package aimx

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// acceptedEndpoints is part of every error about an endpoint.
const acceptedEndpoints = "write unix://PATH, uds://PATH, a bare path, or ws://HOST:PORT[/PATH]"

// Endpoint is the address of a server. Either Path or URL is set.
type Endpoint struct {
	// Path is the path of a unix socket.
	Path string
	// URL is the address of a WebSocket.
	URL string
}

// ParseEndpoint parses unix://PATH, uds://PATH and a bare path, which are unix
// sockets, and ws://HOST:PORT[/PATH] and wss://HOST:PORT[/PATH], which are
// WebSockets. The default path of a WebSocket is /ws. The case of the scheme does
// not matter.
func ParseEndpoint(s string) (Endpoint, error) {
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		return socketEndpoint(s, s)
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "unix", "uds":
		return socketEndpoint(s, rest)
	case "ws", "wss":
		return webSocketEndpoint(s, scheme+"://"+rest)
	case "tcp", "serial":
		return Endpoint{}, fmt.Errorf("endpoint %q: AimX over %s is not supported yet; %s", s, scheme, acceptedEndpoints)
	}
	return Endpoint{}, fmt.Errorf("endpoint %q: unknown scheme %q; %s", s, scheme, acceptedEndpoints)
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

func webSocketEndpoint(s, address string) (Endpoint, error) {
	u, err := url.Parse(address)
	if err != nil {
		return Endpoint{}, fmt.Errorf("endpoint %q: %w; %s", s, err, acceptedEndpoints)
	}
	if _, port, err := net.SplitHostPort(u.Host); err != nil || port == "" {
		return Endpoint{}, fmt.Errorf("endpoint %q has no host and port; %s", s, acceptedEndpoints)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/ws"
	}
	return Endpoint{URL: u.String()}, nil
}

// String returns the endpoint in a form that ParseEndpoint accepts.
func (e Endpoint) String() string {
	if e.URL != "" {
		return e.URL
	}
	return "unix://" + e.Path
}
