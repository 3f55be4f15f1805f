package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/cluster"
	"github.com/aimdb-go/aimdb/bus/hub"
	"github.com/aimdb-go/aimdb/bus/natsd"
)

func newHubVerify() *cobra.Command {
	var o hubOptions
	var f format
	c := &cobra.Command{
		Use:   "verify [DIR]",
		Short: "Prove that a hub has all of its sites, or name what is missing",
		Long: `Prove, site by site, that a hub has all that it may read of the site's log, or name each
range that is missing. Sites are asked what they have; of one that does not answer, the
numbers of its values tell whether any is missing up to the last one that the hub has.

DIR is the directory of a hub, which may run. With --nats-url the hub is on servers that
somebody else runs.

The exit status is 0 if nothing is missing, 3 if values are missing and why is known, 4
if something is missing or damaged and nobody knows why. It is 1 if that could not be
found out, and 2 if the command line is wrong.`,
		Example: `  aimdb hub verify ./hub-data
  aimdb hub verify ./hub-data --format json | jq '.sites[] | {site, lag, missing}'
  aimdb hub verify --nats-url nats://127.0.0.1:4222`,
		Args: argumentsFrom(0, "DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 0) == !o.outside.given() {
				return usageError{errors.New("give either the directory of the hub or --nats-url")}
			}
			v, err := o.verify(cmd, args)
			if err != nil {
				return err
			}
			return printHub(cmd, f, v)
		},
	}
	o.shared(c.Flags())
	f.flag(c.Flags())
	return c
}

func (o *hubOptions) verify(cmd *cobra.Command, args []string) (v hub.Verification, err error) {
	if len(args) == 0 {
		config, err := o.outside.cluster()
		if err != nil {
			return v, err
		}
		server, err := cluster.Open(cmd.Context(), config, logger(cmd))
		if err != nil {
			return v, err
		}
		return o.verifyOn(cmd, server)
	}
	dir := args[0]
	if _, err := os.Stat(hubLog(dir)); err != nil {
		return v, fmt.Errorf("there is no hub in %s: %w", dir, err)
	}
	v, err = askHub(cmd.Context(), dir)
	if !errors.Is(err, errNotRunning) {
		return v, err
	}
	server, err := natsd.Open(natsd.Config{Name: "aimdb-hub-" + o.name, Dir: hubLog(dir), Stream: bus.HubStreamName(o.name), MaxMessage: hubMaxMessage, Logger: logger(cmd)})
	if err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	return o.verifyOn(cmd, server)
}

func (o *hubOptions) verifyOn(cmd *cobra.Command, server bus.Server) (hub.Verification, error) {
	h, err := hub.OpenExisting(cmd.Context(), server, o.config(cmd))
	if err != nil {
		return hub.Verification{}, err
	}
	defer h.Close()
	return h.Verify(cmd.Context())
}

// verifySocket is where a running hub answers, in its directory.
func verifySocket(dir string) string { return filepath.Join(dir, "hub.sock") }

func listenForVerify(dir string) (net.Listener, error) { return gateway.Listen(verifySocket(dir)) }

// serveVerify verifies for whoever asks, until ctx ends.
func serveVerify(ctx context.Context, listener net.Listener, h *hub.Hub) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /verify", func(w http.ResponseWriter, r *http.Request) {
		v, err := h.Verify(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		if err := json.NewEncoder(w).Encode(v); err != nil {
			slog.Debug("the answer to a verification was not delivered", "error", err)
		}
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })() // Serve returns the reason to end
	if err := server.Serve(listener); ctx.Err() == nil {
		return fmt.Errorf("answer verifications of the hub: %w", err)
	}
	return nil
}

// errNotRunning says that no hub runs in a directory.
var errNotRunning = errors.New("the hub does not run")

// askHub asks the hub that runs in a directory.
func askHub(ctx context.Context, dir string) (v hub.Verification, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", verifySocket(dir))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return v, errNotRunning
	}
	if err != nil {
		return v, fmt.Errorf("ask the hub in %s: %w", dir, err)
	}
	used := false
	client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		if used {
			return nil, errors.New("the hub has closed the connection")
		}
		used = true
		return conn, nil
	}}}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://hub/verify", nil)
	if err != nil {
		return v, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return v, fmt.Errorf("ask the hub in %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if answer.StatusCode != http.StatusOK {
		return v, fmt.Errorf("the hub in %s could not verify itself: status %s", dir, answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(&v); err != nil {
		return v, fmt.Errorf("read the answer of the hub in %s: %w", dir, err)
	}
	return v, nil
}
