package main

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/process"
	"github.com/aimdb-go/aimdb/sinks/retention"
)

// sinkLimits say what stays in the store of a sink.
type sinkLimits struct {
	age   time.Duration
	bytes int64
}

func newSinkRun() *cobra.Command {
	var log natsLog
	var t sinkTarget
	var drain, wait time.Duration
	c := &cobra.Command{
		Use:   "run KIND",
		Short: "Move the log of a database into a store",
		Long: `Move the log of a database into a store, until Ctrl-C. KIND is one of these, and --to is
what it writes to:

  sqlite    a file, which history commands and the gateway read
  postgres  a database in PostgreSQL, as postgres://user@host:5432/database, with
            ?search_path=NAME for another schema than aimdb. The tables are made if they
            are absent. A password is best in PGPASSWORD or ~/.pgpass: what is on the
            command line shows in the list of processes
  ndjson    a directory of compressed lines of JSON, for archives and rsync
  parquet   a directory of Parquet files by record and day, for DuckDB and others

The log is on NATS servers that run elsewhere, and the database may run on another
machine, or not at all. Values are stored once, in the order of the log, however this
process ends. Several sinks can read one log, each at its own pace. If the servers are away
at the start, the sink waits for them; later it always does.

A second process on the same store is a standby: it waits, and takes over when the
first one ends. Sinks of one database have different names; --sink sets the name, which
is otherwise made of the kind and the name of the file or database. A name is kept for life.`,
		Example: `  aimdb sink run sqlite --nats-url nats://127.0.0.1:4222 --name hub --to ./history.db
  aimdb sink run sqlite --nats-url nats://127.0.0.1:4222 --name hub --to ./week.db --max-age 7d
  aimdb sink run ndjson --nats-url nats://127.0.0.1:4222 --name hub --to ./archive --max-bytes 100000000000
  aimdb sink run parquet --nats-url nats://127.0.0.1:4222 --name hub --to ./cold
  aimdb sink run postgres --nats-url nats://127.0.0.1:4222 --name hub --to postgres://aimdb@127.0.0.1/aimdb`,
		Args: arguments("KIND"),
		RunE: func(cmd *cobra.Command, args []string) error {
			open, err := kindOf(cmd, args[0])
			if err != nil {
				return err
			}
			if t.to == "" {
				return usageError{errors.New("--to is needed: the path of the store, or its DSN")}
			}
			if t.keep.bytes < 0 {
				return usageError{errors.New("--max-bytes cannot be negative; 0 is no limit")}
			}
			at, err := placeOf(args[0], t.to)
			if err != nil {
				return err
			}
			if t.name == "" {
				t.name = sinkName(args[0], at)
			}
			t.logger = logger(cmd)
			server, err := log.server(cmd)
			if err != nil {
				return err
			}
			keep, err := t.keep.retention()
			if err != nil {
				return err
			}
			return process.Run(cmd.Context(), process.Config{
				Server: server, Log: log.log(cmd), Sink: t.name, Kind: args[0], Target: at.shown, Anywhere: at.anywhere,
				Open:      func(ctx context.Context) (*process.Store, error) { return open(ctx, t) },
				Retention: keep, Wait: wait, DrainTimeout: drain, Logger: t.logger,
			})
		},
	}
	f := c.Flags()
	log.flags(f)
	f.StringVar(&t.name, "sink", "", "name of the sink (default KIND and the name of the store)")
	f.StringVar(&t.to, "to", "", "path of the store, or its DSN")
	f.Var(spanFlag{&t.keep.age}, "max-age", "delete what is older (7d); 0 keeps it")
	f.Int64Var(&t.keep.bytes, "max-bytes", 0, "size on disk above which the oldest is deleted; 0 is no limit")
	f.DurationVar(&drain, "drain-timeout", process.DefaultDrainTimeout, "how long Ctrl-C waits until the rest of the log is stored")
	f.DurationVar(&wait, "wait", math.MaxInt64, "how long to wait at the start for servers that are away; 0 does not wait")
	f.Lookup("wait").DefValue = "without end"
	return c
}

// retention is what a store with policies is told.
func (l sinkLimits) retention() (retention.Config, error) {
	c := retention.Config{MaxBytes: l.bytes}
	if l.age == 0 {
		return c, nil
	}
	everything, err := parsePattern("#")
	c.Policies = []history.Policy{{Pattern: everything, MaxAge: l.age}}
	return c, err
}
