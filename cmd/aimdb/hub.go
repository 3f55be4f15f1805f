package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/bus/cluster"
	"github.com/aimdb-go/aimdb/bus/hub"
)

// hubOptions has the flags of the commands about a hub.
type hubOptions struct {
	name      string
	sites     []string
	outside   natsServers
	dir       string
	passwords string
	leaf      string
	nats      string
	tls       tlsFiles
}

// tlsFiles are those of a server.
type tlsFiles struct{ cert, key, ca string }

func newHub() *cobra.Command {
	var o hubOptions
	c := &cobra.Command{
		Use:   "hub --dir DIR --site NAME...",
		Short: "Collect the logs of many databases in one stream",
		Long: `Collect the logs of databases, the sites, in one JetStream stream AIMDB_HUB_<name>. A site
is a database with the option aimdb.Leaf, which connects to the hub and lets it read the
values of its Remote records. The hub can write nothing into a site. A site that is cut
off goes on by itself, and the hub reads on when it is back. examples/edge is a site.

With --dir the hub has a server of its own, where sites join at --listen-leaf. With
--nats-url it uses servers that somebody else runs, and sites join there. Without
--passwords every site is let in that reaches the port. Ctrl-C ends it.`,
		Example: `  aimdb hub --dir ./hub-data --site north --site south
  aimdb hub --dir ./hub-data --site north --listen-leaf 0.0.0.0:7422 --passwords sites.txt --tls-cert hub.pem --tls-key hub.key
  aimdb hub --nats-url nats://127.0.0.1:4222 --site north --site south
  aimdb hub verify ./hub-data`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	o.shared(c.Flags())
	f := c.Flags()
	f.StringVar(&o.dir, "dir", "", "directory of the hub's own server")
	f.StringArrayVar(&o.sites, "site", nil, "name of a database that joins (may be repeated)")
	f.StringVar(&o.leaf, "listen-leaf", "127.0.0.1:7422", "address where sites join")
	f.StringVar(&o.nats, "nats", "", "address for NATS clients, which may read the stream")
	f.StringVar(&o.passwords, "passwords", "", "file with a line NAME PASSWORD for each site, which the site presents as user and password")
	f.StringVar(&o.tls.cert, "tls-cert", "", "certificate of the hub's server; it requires TLS")
	f.StringVar(&o.tls.key, "tls-key", "", "key of the certificate")
	f.StringVar(&o.tls.ca, "tls-ca", "", "certificates that sites and clients must have been signed with")
	c.AddCommand(newHubVerify())
	return c
}

// shared adds the flags that verify has too.
func (o *hubOptions) shared(f *pflag.FlagSet) {
	f.StringVar(&o.name, "name", hub.DefaultName, "name of the hub")
	o.outside.addFlags(f, "NATS servers of the hub instead of its own")
}

// config returns the configuration of the hub itself.
func (o *hubOptions) config(cmd *cobra.Command) hub.Config {
	c := hub.Config{Name: o.name, Logger: logger(cmd)}
	for _, site := range o.sites {
		c.Sites = append(c.Sites, hub.Site{Name: site})
	}
	return c
}

func (o *hubOptions) run(cmd *cobra.Command) (err error) {
	switch {
	case (o.dir == "") == !o.outside.given():
		return usageError{errors.New("give either --dir, the directory of a server of the hub's own, or --nats-url")}
	case len(o.sites) == 0:
		return usageError{errors.New("give at least one --site, the name of a database that joins")}
	}
	if err := o.config(cmd).Check(); err != nil {
		return err
	}
	if o.dir == "" {
		return o.runOutside(cmd)
	}
	server, err := o.openServer(logger(cmd))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	h, err := hub.Open(cmd.Context(), server, o.config(cmd))
	if err != nil {
		return err
	}
	defer h.Close()
	listener, err := listenForVerify(o.dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "sites join at %s; verify with aimdb hub verify %s\n", server.LeafAddr(), o.dir)
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	served := make(chan error, 1)
	go func() {
		defer stop()
		served <- serveVerify(ctx, listener, h)
	}()
	return errors.Join(h.Run(ctx), <-served)
}

// runOutside watches a hub on servers that somebody else runs.
func (o *hubOptions) runOutside(cmd *cobra.Command) error {
	config, err := o.outside.cluster()
	if err != nil {
		return err
	}
	server, err := cluster.Open(cmd.Context(), config, logger(cmd))
	if err != nil {
		return err
	}
	h, err := hub.Open(cmd.Context(), server, o.config(cmd))
	if err != nil {
		return err
	}
	defer h.Close()
	fmt.Fprintf(cmd.OutOrStdout(), "sites join at the leaf node port of %s\n", config.Shown())
	return h.Run(cmd.Context())
}

func hubLog(dir string) string { return filepath.Join(dir, "log") }
