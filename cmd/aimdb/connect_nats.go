package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/natsconn"
	"github.com/aimdb-go/aimdb/internal/tlsfile"
)

// isNATS reports whether an endpoint is the address of NATS servers and the name of a
// database, such as nats://127.0.0.1:4222/weather.
func isNATS(endpoint string) bool {
	scheme, _, _ := strings.Cut(strings.ToLower(endpoint), "://")
	return scheme == "nats" || scheme == "tls"
}

// dialedOverNATS is dialed for an endpoint on NATS servers.
func dialedOverNATS(ctx context.Context, endpoint string, show *credentials) (*aimx.Client, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		err = errors.Unwrap(err) // without the URL, which may have a password
	}
	if err == nil && (u.Port() == "" || strings.Trim(u.Path, "/") == "" || u.RawQuery != "") {
		err = errors.New("it needs host, port and the name of the database")
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("the NATS endpoint is not one: %w; write nats://[USER:PASSWORD@]HOST:PORT/DATABASE, or tls:// for TLS", err)}
	}
	database := strings.Trim(u.Path, "/")
	u.Path = ""
	options, err := show.natsOptions(u)
	if err != nil {
		return nil, err
	}
	return natsconn.Connect(ctx, u.String(), database, options...)
}

// natsOptions returns what the flags and the environment show to NATS servers: a token is
// one of NATS.
func (c *credentials) natsOptions(u *url.URL) ([]nats.Option, error) {
	options := []nats.Option{
		nats.Name("aimdb command"), nats.Timeout(5 * time.Second),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // calls return them
	}
	token := c.token
	if token == "" {
		token = c.env("AIMDB_TOKEN")
	}
	if token != "" && u.User == nil {
		options = append(options, nats.Token(token))
	}
	if c.ca != "" {
		config, err := tlsfile.Client(c.ca)
		if err != nil {
			return nil, usageError{fmt.Errorf("--ca: %w", err)}
		}
		options = append(options, nats.Secure(config))
	}
	return options, nil
}
