package mcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"

	"github.com/aimdb-go/aimdb/aimx"
)

// at is the argument of every tool that asks one database.
type at struct {
	Endpoint string `json:"endpoint,omitempty" jsonschema:"endpoint of the database, such as unix:///tmp/aimdb.sock; the configured one if it is left out"`
}

// target is a database to ask.
type target struct {
	// name is its endpoint as answers show it, address as it is opened.
	name, address string
	open          func(ctx context.Context, address string) (*aimx.Client, error)
}

// configured returns the database at an endpoint of the configuration. Config.Dial may know
// schemes that package aimx does not.
func (s *Server) configured(text string) (target, error) {
	name, address, err := namesOf(text)
	if err != nil {
		u, broken := url.Parse(text)
		if broken != nil || u.Scheme == "" || u.Host == "" || s.config.Dial == nil {
			return target{}, err
		}
		u.RawQuery = "" // it may hold a token
		name, address = u.Redacted(), text
	}
	open := s.config.Dial
	if open == nil {
		open = dial
	}
	return target{name, address, open}, nil
}

// dial opens an endpoint without showing it a token.
func dial(ctx context.Context, address string) (*aimx.Client, error) {
	return aimx.Dial(ctx, address)
}

// namesOf returns an endpoint as answers show it, and as it is opened, with its token.
func namesOf(text string) (name, address string, err error) {
	e, err := aimx.ParseEndpoint(text)
	if err != nil {
		return "", "", err
	}
	return e.String(), cmp.Or(e.URL, e.String()), nil
}

// target returns the database that an argument names. A configured one is recognized
// whatever token the argument holds.
func (s *Server) target(a at) (target, error) {
	if a.Endpoint == "" {
		if s.config.Endpoint == "" {
			return target{}, errors.New("no endpoint is given; give the argument endpoint, such as unix:///tmp/aimdb.sock, which discover_instances finds, or start aimdb mcp with --connect or with AIMDB_CONNECT")
		}
		return s.known[0], nil
	}
	name, address, err := namesOf(a.Endpoint)
	for _, t := range s.known {
		if t.name == name || t.name == a.Endpoint {
			return t, nil
		}
	}
	if err != nil {
		return target{}, err
	}
	e, err := aimx.ParseEndpoint(a.Endpoint)
	if err != nil {
		return target{}, err
	}
	if !isLocal(e) {
		return target{}, fmt.Errorf("the endpoint %s is on another machine, and this server was not told of it; a person can allow it: aimdb mcp --allow-endpoint %s", name, name)
	}
	return target{name, address, dial}, nil
}

// isLocal reports whether an endpoint is on this machine. A name may resolve to anything,
// so only localhost counts.
func isLocal(e aimx.Endpoint) bool {
	if e.Path != "" {
		return true
	}
	address := e.Address
	if e.URL != "" {
		u, err := url.Parse(e.URL)
		if err != nil {
			return false
		}
		address = u.Host
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
