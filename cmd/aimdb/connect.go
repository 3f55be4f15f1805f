package main

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/aimx"
)

// defaultEndpoint is the endpoint without a flag and an environment variable.
const defaultEndpoint = "/tmp/aimdb.sock"

// connection is the flag that names the endpoint of a database.
type connection struct {
	endpoint string
	env      func(string) string
}

func (c *connection) flag(flags *pflag.FlagSet) {
	flags.StringVar(&c.endpoint, "connect", "",
		"endpoint of the database: a socket's path, unix://PATH or ws://HOST:PORT/ws (default $AIMDB_CONNECT, else "+defaultEndpoint+")")
}

// target returns the endpoint from the flag, the environment or the default, in
// this order.
func (c *connection) target() string {
	if c.endpoint != "" {
		return c.endpoint
	}
	if e := c.env("AIMDB_CONNECT"); e != "" {
		return e
	}
	return defaultEndpoint
}

// connected calls do with a client of the database at an endpoint.
func connected(ctx context.Context, endpoint string, do func(*aimx.Client) error) error {
	if _, err := aimx.ParseEndpoint(endpoint); err != nil {
		return usageError{err}
	}
	client, err := aimx.Dial(ctx, endpoint)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // do has returned
	return do(client)
}
