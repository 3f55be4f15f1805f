package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/cluster"
)

// natsLog has the flags of commands that read the log of a database on NATS servers.
type natsLog struct {
	database     string
	passwordFile string
	config       cluster.Config
}

func (l *natsLog) flags(f *pflag.FlagSet) {
	f.StringVar(&l.database, "name", "", "name of the database")
	f.StringSliceVar(&l.config.URLs, "nats-url", nil, "NATS servers that keep the log (may be repeated)")
	f.StringVar(&l.config.Creds, "creds", "", "credentials file for the servers")
	f.StringVar(&l.config.NKey, "nkey", "", "file with the seed of an nkey")
	f.StringVar(&l.config.User, "user", "", "user of the servers")
	f.StringVar(&l.passwordFile, "password-file", "", "file with the password of --user")
	f.StringVar(&l.config.CAFile, "tls-ca", "", "certificates that those of the servers are checked with")
	f.StringVar(&l.config.CertFile, "tls-cert", "", "certificate that is shown to the servers")
	f.StringVar(&l.config.KeyFile, "tls-key", "", "private key of --tls-cert")
	f.StringVar(&l.config.Domain, "domain", "", "JetStream domain that holds the log")
}

// check returns a usage error if a flag that is needed was not given.
func (l *natsLog) check() error {
	if len(l.config.URLs) == 0 {
		return usageError{errors.New("--nats-url is needed: the NATS servers that keep the log, such as nats://127.0.0.1:4222")}
	}
	if l.database == "" {
		return usageError{errors.New("--name is needed: the name of the database")}
	}
	return nil
}

// connect connects to the servers.
func (l *natsLog) connect(ctx context.Context, cmd *cobra.Command) (bus.Server, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	c := l.config
	if l.passwordFile != "" {
		text, err := os.ReadFile(l.passwordFile)
		if err != nil {
			return nil, fmt.Errorf("read the password of --user: %w", err)
		}
		c.Password = strings.TrimRight(string(text), "\r\n")
	}
	if err := c.Check(); err != nil {
		return nil, usageError{err}
	}
	server, err := cluster.Open(ctx, c, logger(cmd))
	if err != nil {
		return nil, err
	}
	return server, nil
}

// log says which log is read.
func (l *natsLog) log(cmd *cobra.Command) bus.Config {
	return bus.Config{Name: l.database, Shared: true, Domain: l.config.Domain, Logger: logger(cmd)}
}
