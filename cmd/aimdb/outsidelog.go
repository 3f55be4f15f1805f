package main

import (
	"github.com/spf13/pflag"

	embedded "github.com/aimdb-go/aimdb"
)

// outsideLog has the flags about NATS servers that keep the log.
type outsideLog struct{ config embedded.Cluster }

func (l *outsideLog) addFlags(f *pflag.FlagSet) {
	f.StringSliceVar(&l.config.URLs, "nats-url", nil, "NATS servers that keep the log instead of an embedded one (may be repeated)")
	f.StringVar(&l.config.Creds, "nats-creds", "", "credentials file for the servers of --nats-url")
	f.StringVar(&l.config.CAFile, "nats-ca", "", "certificates that those of the servers of --nats-url are checked with")
	f.StringVar(&l.config.Domain, "nats-domain", "", "JetStream domain that holds the log")
	f.IntVar(&l.config.Replicas, "nats-replicas", 0, "on how many servers the log is kept: 1, 3 or 5; 0 takes what is there")
	f.BoolVar(&l.config.Update, "nats-update", false, "change the settings of a log that exists with other ones")
}

// cluster returns the servers, nil if the log is kept in an embedded one. Other flags
// without a URL are an error of the configuration that is returned.
func (l *outsideLog) cluster() *embedded.Cluster {
	c := l.config
	if len(c.URLs) == 0 && c.Creds == "" && c.CAFile == "" && c.Domain == "" && c.Replicas == 0 && !c.Update {
		return nil
	}
	return &c
}
