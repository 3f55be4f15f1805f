package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/bus/cluster"
)

// natsServers has the flags about NATS servers that other processes run. All commands
// that use such servers have the same ones.
type natsServers struct {
	config       cluster.Config
	passwordFile string
}

// addFlags adds the flags. what says what --nats-url is for.
func (s *natsServers) addFlags(f *pflag.FlagSet, what string) {
	f.StringSliceVar(&s.config.URLs, "nats-url", nil, what+", such as nats://127.0.0.1:4222 (may be repeated)")
	f.StringVar(&s.config.Creds, "nats-creds", "", "credentials file for the servers of --nats-url")
	f.StringVar(&s.config.NKey, "nats-nkey", "", "file with the seed of an nkey for the servers")
	f.StringVar(&s.config.User, "nats-user", "", "user for the servers")
	f.StringVar(&s.passwordFile, "nats-password-file", "", "file with the password of --nats-user")
	f.StringVar(&s.config.CAFile, "nats-ca", "", "certificates that those of the servers are checked with")
	f.StringVar(&s.config.CertFile, "nats-cert", "", "certificate that is shown to the servers")
	f.StringVar(&s.config.KeyFile, "nats-key", "", "private key of --nats-cert")
}

// addDomain adds the flag of commands that use the log of one database.
func (s *natsServers) addDomain(f *pflag.FlagSet) {
	f.StringVar(&s.config.Domain, "nats-domain", "", "JetStream domain that holds the log")
}

// given reports whether any of the flags was given.
func (s *natsServers) given() bool {
	c := s.config
	return len(c.URLs) > 0 || c.Creds != "" || c.NKey != "" || c.User != "" || s.passwordFile != "" ||
		c.CAFile != "" || c.CertFile != "" || c.KeyFile != "" || c.Domain != ""
}

// cluster returns what the flags say. A contradiction in them is a usage error.
func (s *natsServers) cluster() (cluster.Config, error) {
	c := s.config
	if len(c.URLs) == 0 {
		return c, usageError{errors.New("--nats-url is needed: the NATS servers, such as nats://127.0.0.1:4222")}
	}
	if s.passwordFile != "" {
		text, err := os.ReadFile(s.passwordFile)
		if err != nil {
			return c, fmt.Errorf("read the password of --nats-user: %w", err)
		}
		c.Password = strings.TrimRight(string(text), "\r\n")
	}
	if err := c.Check(); err != nil {
		return c, usageError{err}
	}
	return c, nil
}

// outsideLog has the flags of a database whose log may be on servers that other processes
// run.
type outsideLog struct {
	servers natsServers
}

func (l *outsideLog) addFlags(f *pflag.FlagSet) {
	l.servers.addFlags(f, "NATS servers that keep the log instead of an embedded one")
	l.servers.addDomain(f)
	f.IntVar(&l.servers.config.Replicas, "nats-replicas", 0, "on how many servers the log is kept: 1, 3 or 5; 0 takes what is there")
	f.BoolVar(&l.servers.config.Update, "nats-update", false, "change the settings of a log that exists with other ones")
}

// cluster returns the servers, nil if the log is kept in an embedded one.
func (l *outsideLog) cluster() (*embedded.Cluster, error) {
	if c := l.servers.config; !l.servers.given() && c.Replicas == 0 && !c.Update {
		return nil, nil
	}
	c, err := l.servers.cluster()
	return &c, err
}
