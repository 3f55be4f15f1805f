package mcp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"

	"github.com/aimdb-go/aimdb/aimx"
)

// at is the argument of every tool that asks one database.
type at struct {
	Endpoint string `json:"endpoint,omitempty" jsonschema:"endpoint of the database, such as unix:///tmp/aimdb.sock; the configured one if it is left out"`
}

// target is a database to ask.
type target struct {
	aimx.Endpoint
	options []aimx.DialOption
	// known says that the endpoint is one of the configuration.
	known bool
}

// target returns the database that an argument names.
func (s *Server) target(a at) (target, error) {
	if a.Endpoint == "" {
		if !s.named {
			return target{}, errors.New("no endpoint is given; give the argument endpoint, such as unix:///tmp/aimdb.sock, which discover_instances finds, or start aimdb mcp with --connect or with AIMDB_CONNECT")
		}
		return target{Endpoint: s.endpoint, options: s.config.Dial, known: true}, nil
	}
	e, err := aimx.ParseEndpoint(a.Endpoint)
	if err != nil {
		return target{}, err
	}
	if s.named && same(e, s.endpoint) {
		return target{Endpoint: s.endpoint, options: s.config.Dial, known: true}, nil
	}
	if i := slices.IndexFunc(s.allowed, func(allowed aimx.Endpoint) bool { return same(e, allowed) }); i >= 0 {
		return target{Endpoint: s.allowed[i], options: s.config.Dial, known: true}, nil
	}
	if !isLocal(e) {
		return target{}, fmt.Errorf("the endpoint %s is on another machine, and this server was not told of it; a person can allow it: aimdb mcp --allow-endpoint %s", e, e)
	}
	return target{Endpoint: e}, nil
}

// same reports whether two endpoints are one, whatever tokens their addresses hold.
func same(a, b aimx.Endpoint) bool { return a.String() == b.String() }

// isLocal reports whether an endpoint is on this machine. A name may resolve to anything,
// so only localhost counts.
func isLocal(e aimx.Endpoint) bool {
	address := e.Address
	if e.URL != "" {
		u, err := url.Parse(e.URL)
		if err != nil {
			return false
		}
		address = u.Host
	}
	if address == "" {
		return true // a unix socket
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
