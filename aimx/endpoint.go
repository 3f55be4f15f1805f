package aimx

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// acceptedEndpoints is part of every error about an endpoint.
const acceptedEndpoints = "write unix://PATH, uds://PATH, a bare path, or ws://HOST:PORT[/PATH]"

// Endpoint says where a server is.
type Endpoint struct {
	// Path is the path of a unix socket, or empty.
	Path string
	// URL is the address of a WebSocket, or empty.
	URL string
}

// ParseEndpoint reads unix://PATH, uds://PATH, a bare path (a unix socket each)
// and ws://HOST:PORT[/PATH] or wss:// (a WebSocket; the path is /ws if there is
// none). The scheme may be in upper case.
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

// maxSocketPath is what fits into the address of a unix socket on every
// system; the systems' own error is only "invalid argument".
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

// String returns the endpoint in the form ParseEndpoint reads.
func (e Endpoint) String() string {
	if e.URL != "" {
		return e.URL
	}
	return "unix://" + e.Path
}
