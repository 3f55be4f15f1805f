package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/cluster"
)

// natsLog has the flags of commands that read the log of a database on NATS servers.
type natsLog struct {
	database string
	servers  natsServers
}

func (l *natsLog) flags(f *pflag.FlagSet) {
	f.StringVar(&l.database, "name", "", "name of the database")
	l.servers.addFlags(f, "NATS servers that keep the log")
	l.servers.addDomain(f)
}

// connect checks that the servers can be reached.
func (l *natsLog) connect(ctx context.Context, cmd *cobra.Command) (bus.Server, error) {
	server, err := l.server(cmd)
	if err != nil {
		return nil, err
	}
	nc, err := server.Connect(ctx, "check")
	if err != nil {
		return nil, err
	}
	nc.Close()
	return server, nil
}

// server returns the servers, which may be away.
func (l *natsLog) server(cmd *cobra.Command) (bus.Server, error) {
	c, err := l.servers.cluster()
	if err != nil {
		return nil, err
	}
	if l.database == "" {
		return nil, usageError{errors.New("--name is needed: the name of the database, such as hub for aimdb demo")}
	}
	server, err := cluster.New(c, logger(cmd))
	if err != nil {
		return nil, err
	}
	return server, nil
}

// log says which log is read.
func (l *natsLog) log(cmd *cobra.Command) bus.Config {
	return bus.Config{Name: l.database, Shared: true, Domain: l.servers.config.Domain, Logger: logger(cmd)}
}

// absent is the error of a command that needs the log.
func (l *natsLog) absent() error {
	return fmt.Errorf("the servers of --nats-url have no log of a database %s; --name is that of the database, which makes its log when it first starts. A user without the permission to see the stream AIMDB_%s gets this too", l.database, l.database)
}
