package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/mirror"
	"github.com/aimdb-go/aimdb/history"
)

// elsewhere is why the gateway changes nothing.
const elsewhere = "the database runs in another process, and this gateway only reads its log; connect to the gateway of that process"

// remoteGateway serves the records of a database that runs elsewhere.
type remoteGateway struct {
	log         natsLog
	historyAt   string
	openHistory bool
	http        string
	sockets     []string
	listen      listenFlags
	origins     []string
	logger      *slog.Logger
}

func newGateway() *cobra.Command {
	var g remoteGateway
	c := &cobra.Command{
		Use:   "gateway",
		Short: "Serve AimX for a database that runs elsewhere",
		Long: `Serve AimX for a database that runs elsewhere, until Ctrl-C: to aimdb record, browsers and
the other clients of AimDB. It reads the log of that database on NATS servers, and needs
neither its process nor its machine.

It knows the records by their messages: those in the log have their last value at once,
the others from their next value on, which subscriptions to a pattern get too. Setting and
draining records is refused. While the database or the
servers are away, the last values stay; /health says why.

--history is the file of a history that a sink on this machine writes, a copy of one, or
the DSN of a history in PostgreSQL. Its password is best in PGPASSWORD or ~/.pgpass. Without
--history there are only live values, and what the log still has for subscriptions with
from. Rows of records that the log does not know are not
served, because it is not known whether they are private; --open-history serves them.

` + tokensHelp,
		Example: `  aimdb gateway --nats-url nats://127.0.0.1:4222 --name hub --history ./history.db
  aimdb gateway --nats-url nats://127.0.0.1:4222 --name hub --history postgres://aimdb@127.0.0.1/aimdb
  aimdb gateway --nats-url nats://127.0.0.1:4222 --name hub --socket /tmp/hub.sock --http 127.0.0.1:8081
  aimdb gateway --nats-url nats://127.0.0.1:4222 --name hub --tcp 0.0.0.0:7433 --tokens tokens.txt --tls-cert hub.pem --tls-key hub.key
  aimdb record list --connect /tmp/hub.sock`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			g.sockets = slices.DeleteFunc(g.sockets, func(path string) bool { return path == "" || path == "off" })
			if g.http == "off" {
				g.http = ""
			}
			if err := g.listen.check(g.http); err != nil {
				return err
			}
			if g.http == "" && g.listen.tcp == "" && len(g.sockets) == 0 {
				return usageError{errors.New("--socket, --http or --tcp is needed: where to serve")}
			}
			g.logger = logger(cmd)
			return g.run(cmd)
		},
	}
	f := c.Flags()
	g.log.flags(f)
	f.StringVar(&g.historyAt, "history", "", "history to answer queries from: a path, or a DSN of PostgreSQL")
	f.BoolVar(&g.openHistory, "open-history", false, "serve also rows of records that the log does not know")
	f.StringVar(&g.http, "http", "", "address of the web server, with AimX at /ws")
	f.StringArrayVar(&g.sockets, "socket", []string{defaultEndpoint}, "path of a unix socket, or off (may be repeated)")
	g.listen.addFlags(f)
	f.StringArrayVar(&g.origins, "origin", nil, "further host whose pages may connect (may be repeated)")
	return c
}

func (g *remoteGateway) run(cmd *cobra.Command) (err error) {
	server, err := g.log.connect(cmd.Context(), cmd)
	if err != nil {
		return err
	}
	tokens, err := g.listen.tokens(g.logger)
	if err != nil {
		return err
	}
	list, err := access.NewList(tokens, nil)
	if err != nil {
		return err
	}
	config := gateway.Config{
		Access:        list,
		RemoteHistory: g.openHistory, ReadOnly: elsewhere, Name: g.log.database, Origins: g.origins, Logger: g.logger,
		Sinks: newSinkInfos(cmd, server, &g.log).list,
	}
	if g.historyAt != "" {
		h, closeHistory, err := g.openHistoryAt(cmd)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeHistory()) }()
		config.History = h
	}
	for {
		err := g.serve(cmd, server, config)
		if !errors.Is(err, mirror.ErrExposure) {
			return err
		}
		g.logger.Warn("the gateway starts again, and its clients have to connect again", "reason", err)
	}
}

// openHistoryAt opens the history to answer queries from, and returns what closes it.
func (g *remoteGateway) openHistoryAt(cmd *cobra.Command) (history.Reader, func() error, error) {
	if isPostgres(g.historyAt) {
		s, err := openHistoryInPostgres(cmd, g.historyAt)
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	}
	h, err := openReplacedHistory(cmd, g.historyAt)
	if err != nil {
		return nil, nil, err
	}
	return h, h.close, nil
}

// serve serves one mirror.
func (g *remoteGateway) serve(cmd *cobra.Command, server bus.Server, config gateway.Config) (err error) {
	m, err := mirror.New(mirror.Config{Server: server, Log: g.log.log(cmd), Logger: g.logger})
	if err != nil {
		return err
	}
	config.Registry, config.Health = m.Registry(), m.Health
	config.Follow = (&logFollower{mirror: m, history: config.History, logger: g.logger}).follow
	s := gateway.New(config)
	ctx, stop := context.WithCancelCause(cmd.Context())
	defer stop(nil)
	parts := 0
	ended := make(chan error, len(g.sockets)+3)
	start := func(part func(context.Context) error) {
		parts++
		go func() {
			err := part(ctx)
			stop(err)
			ended <- err
		}()
	}
	start(m.Run)
	for _, path := range g.sockets {
		l, failed := gateway.Listen(path)
		if failed != nil {
			err = failed
			break
		}
		start(func(ctx context.Context) error { return s.Serve(ctx, l) })
	}
	if err == nil && g.http != "" {
		l, failed := g.listen.listen(g.http, g.logger)
		if err = failed; err == nil {
			g.logger.Info("the gateway serves", "http", l.Addr().String())
			start(func(ctx context.Context) error { return serveWeb(ctx, l, s) })
		}
	}
	if err == nil && g.listen.tcp != "" {
		l, failed := g.listen.listen(g.listen.tcp, g.logger)
		if err = failed; err == nil {
			g.logger.Info("the gateway serves", "tcp", l.Addr().String())
			start(func(ctx context.Context) error { return s.ServeTCP(ctx, l) })
		}
	}
	if err != nil {
		stop(err)
	}
	for range parts {
		err = errors.Join(err, <-ended)
	}
	return errors.Join(err, s.Close())
}

// serveWeb serves AimX over HTTP until ctx ends.
func serveWeb(ctx context.Context, l net.Listener, s *gateway.Server) error {
	web := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, BaseContext: gateway.ListenerContext}
	defer context.AfterFunc(ctx, func() {
		_ = s.Close()   // always nil; it ends the WebSockets
		_ = web.Close() // Serve returns the reason to end
	})()
	if err := web.Serve(l); ctx.Err() == nil {
		return fmt.Errorf("serve %v: %w", l.Addr(), err)
	}
	return nil
}
