// Command aimdb-prometheus serves the HTTP API of Prometheus over numbers in the history of
// a database, for Grafana, promtool and vmalert. It reads and never writes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/api"
	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/metric"
	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/series"
)

// The codes that the command ends with.
const (
	exitFailed = 1
	exitUsage  = 2
)

// grace is how long a request may take to end at a stop.
const grace = 5 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Getenv, os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return
	case errors.As(err, new(usageError)):
		fmt.Fprintln(os.Stderr, "aimdb-prometheus:", err)
		os.Exit(exitUsage)
	default:
		fmt.Fprintln(os.Stderr, "aimdb-prometheus:", err)
		os.Exit(exitFailed)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, env func(string) string, out io.Writer) (err error) {
	s, err := parse(args, env, out)
	if err != nil {
		return err
	}
	metrics, err := metric.Read(s.metrics)
	if err != nil {
		return err
	}
	source, err := s.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	door, err := s.openDoor()
	if err != nil {
		return err
	}
	defer func() {
		if closing := door.Close(); !errors.Is(closing, net.ErrClosed) {
			err = errors.Join(err, closing)
		}
	}()
	logger := slog.New(slog.NewTextHandler(out, nil))
	a := api.New(api.Config{
		Storage: series.New(source, metrics, s.samples), Logger: logger, Tokens: door.tokens,
		Lookback: s.lookback, Timeout: s.timeout, Samples: s.samples, Queries: s.queries,
	})
	defer func() { err = errors.Join(err, a.Close()) }()
	logger.Info("serving the HTTP API of Prometheus", "url", door.url, "metrics", len(metrics), "engine", api.Version)
	return serve(ctx, door, a.Handler())
}

// serve answers requests until ctx ends, which also ends the queries that run.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return errors.Join(fmt.Errorf("stop serving on %s: %w", listener.Addr(), err), server.Close())
	}
	return nil
}
