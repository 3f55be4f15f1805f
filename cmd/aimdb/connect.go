package main

import (
	"context"

	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/aimx"
)

// defaultEndpoint is where a database is looked for if nothing is said.
const defaultEndpoint = "/tmp/aimdb.sock"

// connection is the flag that says which database is meant.
type connection struct {
	endpoint string
	env      func(string) string
}

func (c *connection) flag(flags *pflag.FlagSet) {
	flags.StringVar(&c.endpoint, "connect", "",
		"endpoint of the database: a socket's path, unix://PATH or ws://HOST:PORT/ws (default $AIMDB_CONNECT, else "+defaultEndpoint+")")
}

// target is the endpoint by flag, environment and default, in this order.
func (c *connection) target() string {
	if c.endpoint != "" {
		return c.endpoint
	}
	if e := c.env("AIMDB_CONNECT"); e != "" {
		return e
	}
	return defaultEndpoint
}

// connected does something with a database that runs.
func connected(ctx context.Context, endpoint string, do func(*aimx.Client) error) error {
	if _, err := aimx.ParseEndpoint(endpoint); err != nil {
		return usageError{err}
	}
	client, err := aimx.Dial(ctx, endpoint)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // everything has been said
	return do(client)
}
