package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/internal/sdnotify"
	aimdbserve "github.com/aimdb-go/aimdb/serve"
)

// serveFlags say where the settings come from.
type serveFlags struct {
	config string
	set    []string
	flags  *pflag.FlagSet
}

// serveSettings are the flags that are settings, with the names that these have.
func serveSettings() [][3]string {
	return [][3]string{
		{"name", "name", "name of the database"},
		{"data", "dir", "directory of the log and the history, ./aimdb-data if it is given nowhere"},
		{"history", "history", "path of a SQLite file, postgres://…, or off; history.db in the data directory if it is given nowhere"},
		{"http", "http", "address of the web server, or off"},
		{"tcp", "tcp", "address that serves AimX over TCP, or off"},
		{"nats", "nats", "address for NATS clients, or off"},
		{"mqtt", "mqtt", "address for MQTT clients, or off"},
		{"aimx", "gateways", "paths of unix sockets that serve AimX, with commas, or off"},
	}
}

func (s *serveFlags) addFlags(f *pflag.FlagSet) {
	s.flags = f
	f.StringVar(&s.config, "config", "", "file of the settings; without one, AIMDB_CONFIG names it")
	for _, one := range serveSettings() {
		f.String(one[0], "", one[2])
	}
	f.StringArrayVar(&s.set, "set", nil, "any setting as NAME=VALUE, such as tls.cert_file=hub.pem (may be repeated)")
}

// load reads the settings.
func (s *serveFlags) load(env func(string) string) (*aimdbserve.Settings, error) {
	from := aimdbserve.Sources{Path: s.config}
	if from.Path == "" {
		from.Path = env("AIMDB_CONFIG")
	}
	for _, entry := range os.Environ() {
		// What is a flag or variable of other commands is no setting.
		if name, _, _ := strings.Cut(entry, "="); name != "AIMDB_CONFIG" && name != "AIMDB_CONNECT" {
			from.Environ = append(from.Environ, entry)
		}
	}
	from.FlagOf = map[string]string{}
	for _, one := range serveSettings() {
		from.FlagOf[one[1]] = "--" + one[0]
		if f := s.flags.Lookup(one[0]); f.Changed {
			from.Flags = append(from.Flags, aimdbserve.Flag{Name: "--" + one[0], Setting: one[1], Value: f.Value.String()})
		}
	}
	for _, text := range s.set {
		name, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, usageError{errors.New("--set takes NAME=VALUE, such as --set history_age=30d")}
		}
		from.Flags = append(from.Flags, aimdbserve.Flag{Name: "--set " + name, Setting: name, Value: value})
	}
	return aimdbserve.Load(from)
}

func newServe(env func(string) string) *cobra.Command {
	var s serveFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run a database that is described by a file of settings",
		Long: `Run a database that is described by a file of settings, until Ctrl-C or SIGTERM. Without a
file it listens on loopback and takes any JSON under any key, at most 10,000 of them. Values
are logged and kept in SQLite in ./aimdb-data, and are there again after a restart.

Settings come from the defaults, the file, the environment and the flags; of two that give
the same setting, the later one counts. AIMDB_HTTP is the setting http, AIMDB_TLS_CERT_FILE
the setting cert_file of tls. Unknown settings are errors. aimdb config shows and checks
them.

SIGHUP reads the settings again: records that are new, retention, tokens and users are
applied at once. What else has changed waits for a restart, which is logged and shown in
/health. If the settings are wrong, those before stay in force, and /health says so.`,
		Example: `  aimdb serve
  aimdb serve --config aimdb.yaml
  aimdb serve --data /var/lib/aimdb --http 127.0.0.1:8081 --nats off
  aimdb serve --config aimdb.yaml --set history_age=30d
  aimdb record set room.temperature '{"celsius": 21.5}'`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := s.load(env)
			if err != nil {
				return err
			}
			return runServe(cmd, settings, env)
		},
	}
	s.addFlags(c.Flags())
	return c
}

func runServe(cmd *cobra.Command, settings *aimdbserve.Settings, env func(string) string) error {
	logger := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
	manager := newManager(env, logger)
	for _, warning := range settings.Warnings {
		logger.Warn(warning)
	}
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	hangups := make(chan os.Signal, 1)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Reset(syscall.SIGHUP) // it ends other commands
	}
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	server, err := aimdbserve.Open(settings, logger)
	if err != nil {
		return err
	}
	reloads := make(chan struct{})
	go func() {
		defer close(reloads)
		reloadOn(ctx, hangups, server, manager)
	}()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		manager.watch(ctx, server)
	}()
	go func() {
		select {
		case <-server.DB().Ready():
			if err := server.Greet(cmd.OutOrStdout()); err != nil {
				logger.Warn("what listens could not be printed", "error", err)
			}
		case <-ctx.Done():
		}
	}()
	context.AfterFunc(ctx, func() { manager.tell("STOPPING=1") })
	err = server.Run(ctx)
	stop()
	<-reloads
	<-watched
	return err
}

// reloadOn reloads the settings when a signal comes. The server logs what is wrong.
func reloadOn(ctx context.Context, hangups <-chan os.Signal, server *aimdbserve.Server, m manager) {
	for {
		select {
		case <-hangups:
			m.tell(sdnotify.Reloading()...)
			_ = server.Reload()
			m.tell("READY=1")
		case <-ctx.Done():
			return
		}
	}
}
