package main

import (
	"context"
	"crypto/tls"
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

// connectedOverNATS is connected for an endpoint on NATS servers.
func connectedOverNATS(ctx context.Context, endpoint string, show *credentials, do func(*aimx.Client) error) error {
	u, err := url.Parse(endpoint)
	if err != nil {
		err = errors.Unwrap(err) // without the URL, which may have a password
	}
	if err == nil && (u.Port() == "" || strings.Trim(u.Path, "/") == "" || u.RawQuery != "") {
		err = errors.New("it needs host, port and the name of the database")
	}
	if err != nil {
		return usageError{fmt.Errorf("the NATS endpoint is not one: %w; write nats://[USER:PASSWORD@]HOST:PORT/DATABASE, or tls:// for TLS", err)}
	}
	database := strings.Trim(u.Path, "/")
	u.Path = ""
	options, err := show.natsOptions(u)
	if err != nil {
		return err
	}
	nc, err := nats.Connect(u.String(), options...)
	if err != nil {
		return &aimx.ConnectionError{Endpoint: u.Redacted() + "/" + database, Advice: natsAdvice(err), Err: err}
	}
	defer nc.Close()
	client, err := natsconn.Dial(ctx, nc, database)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // do has returned
	return do(client)
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

// natsAdvice says what a user can do about NATS servers that cannot be reached.
func natsAdvice(err error) string {
	var unknown *tls.CertificateVerificationError
	switch {
	case errors.As(err, &unknown):
		return "the certificate of the server is not trusted for this host; give the CA that has signed it with --ca"
	case errors.Is(err, nats.ErrAuthorization):
		return "give a user and password in the endpoint, or --token"
	case errors.Is(err, nats.ErrNoServers):
		return "no NATS server answers there; start it, or give the address of one that runs"
	}
	return "check that a NATS server runs there, and whether it speaks TLS"
}
