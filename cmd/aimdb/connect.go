package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/tlsfile"
)

// defaultEndpoint is where the demo and the gateway serve without a flag.
const defaultEndpoint = "/tmp/aimdb.sock"

// connection are the flags that name the endpoint of a database, and what is shown to it.
type connection struct {
	credentials
	endpoint string
}

func (c *connection) flag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.endpoint, "connect", "",
		"endpoint of the database: a socket's path, unix://PATH, tcp://HOST:PORT, ws://HOST:PORT/ws, http://HOST:PORT, or with TLS tcps://, wss:// or https://; or nats://HOST:PORT/DATABASE (default $AIMDB_CONNECT, else the only one that runs here)")
	c.credentials.flag(cmd)
}

// credentials are the flags that say what is shown to a database, and how its
// certificate is checked.
type credentials struct {
	token, ca string
	env       func(string) string
	// warnings returns where warnings are printed; nil prints none. warned is for the one
	// about a token of the environment.
	warnings func() io.Writer
	warned   sync.Once
}

func (c *credentials) flag(cmd *cobra.Command) {
	c.warnings = cmd.ErrOrStderr
	flags := cmd.Flags()
	flags.StringVar(&c.token, "token", "", "token for a database, or for its NATS servers, that ask for one (default $AIMDB_TOKEN, which other users of this machine cannot see)")
	flags.StringVar(&c.ca, "ca", "", "file of certificates that the database's is checked with, over tcps://, wss:// and tls:// (default: those of the system)")
}

// options returns what the flags and the environment say.
func (c *credentials) options() ([]aimx.DialOption, error) {
	var options []aimx.DialOption
	token := c.token
	if token == "" {
		token = c.env("AIMDB_TOKEN")
	}
	if token != "" {
		options = append(options, aimx.Token(token))
	}
	if c.ca != "" {
		config, err := tlsfile.Client(c.ca)
		if err != nil {
			return nil, usageError{fmt.Errorf("--ca: %w", err)}
		}
		options = append(options, aimx.TLS(config))
	}
	return options, nil
}

// forSocket returns an error if a token is given for a unix socket. The server would ignore
// it, and do what the token does not grant. A token of the environment may be for other
// commands: it is only warned about, once.
func (c *credentials) forSocket(socket string) error {
	if c.token != "" {
		return usageError{fmt.Errorf("--token: the unix socket %s asks for no token and admits its owner without one; give --connect with an address, such as http://127.0.0.1:8080, or leave the token out", socket)}
	}
	if c.env("AIMDB_TOKEN") != "" && c.warnings != nil {
		c.warned.Do(func() {
			fmt.Fprintf(c.warnings(), "aimdb: the token of AIMDB_TOKEN has no effect: the unix socket %s asks for none; give --connect with an address to use it\n", socket)
		})
	}
	return nil
}

// target returns the endpoint from the flag or the environment, in this order, and "" for
// the one database that runs here.
func (c *connection) target() string {
	return cmp.Or(c.endpoint, c.env("AIMDB_CONNECT"))
}

// connected calls do with a client of the database at an endpoint, "" for the one database
// that runs here.
func connected(ctx context.Context, endpoint string, show *credentials, do func(*aimx.Client) error) error {
	client, err := dialed(ctx, endpoint, show)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // do has returned
	return do(client)
}

// dialed connects to the database at an endpoint, "" for the one database that runs here.
func dialed(ctx context.Context, endpoint string, show *credentials) (*aimx.Client, error) {
	if endpoint == "" {
		var err error
		if endpoint, err = discovered(ctx, show.env); err != nil {
			return nil, err
		}
	}
	if isNATS(endpoint) {
		return dialedOverNATS(ctx, endpoint, show)
	}
	parsed, err := aimx.ParseEndpoint(endpoint)
	if err != nil {
		return nil, usageError{err}
	}
	if parsed.Path != "" {
		if err := show.forSocket(parsed.String()); err != nil {
			return nil, err
		}
	}
	options, err := show.options()
	if err != nil {
		return nil, err
	}
	return aimx.Dial(ctx, endpoint, options...)
}
