package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/sinks/process"
)

// rewind rebuilds the store of a sink from the log.
type rewind struct {
	log       natsLog
	sink      string
	to, store string
	keepOlder bool
}

func newSinkRewind() *cobra.Command {
	var r rewind
	c := &cobra.Command{
		Use:   "rewind NAME",
		Short: "Rebuild the history of a sink from the log, then switch to it",
		Long: `Rebuild the history of a sink from the log, then switch to it. NAME is the name of the
sink, --store the path of its history file, on this machine, or its DSN of PostgreSQL.

A new history is filled from the log beside the old one, which serves meanwhile. In
PostgreSQL it is in the schema SCHEMA_rebuild, of which the role has to be the owner. When
it has nearly all of the log it takes the place of the old one, which is kept under a name
with the time. A process that runs the sink notices that within seconds and continues at
the checkpoint of the new history: nothing is lost or stored twice.

What the log does not reach back to is only in the old history, and so are its ledger of
losses and its dead letters. --keep-older copies its rows from before the first rebuilt
one of each record into the new one. Those of the same millisecond come after it.`,
		Example: `  aimdb sink rewind sqlite-history --to 24h --store ./history.db --nats-url nats://127.0.0.1:4222 --name hub
  aimdb sink rewind sqlite-history --to 1 --keep-older --store ./history.db --nats-url nats://127.0.0.1:4222 --name hub
  aimdb sink rewind postgres-aimdb --to 7d --store postgres://aimdb@127.0.0.1/aimdb --nats-url nats://127.0.0.1:4222 --name hub`,
		Args: arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.sink = args[0]
			if r.to == "" || r.store == "" {
				return usageError{errors.New("--to and --store are needed: where the log is read from, and the path or DSN of the history")}
			}
			return r.run(cmd)
		},
	}
	f := c.Flags()
	r.log.flags(f)
	f.StringVar(&r.to, "to", "", "where the log is read from: a sequence, a time in RFC 3339, or a duration back from now (90m, 7d)")
	f.StringVar(&r.store, "store", "", "path of the history, or its DSN")
	f.BoolVar(&r.keepOlder, "keep-older", false, "copy older rows of the old history into the new one")
	return c
}

// rebuilt is a history that is filled beside the old one.
type rebuilt struct {
	// kind and target say which store the old one is.
	kind, target string
	// open opens the new one, which is empty, under the name of a sink.
	open func(ctx context.Context, name string) (*process.Store, error)
	// addOlder copies rows of the old one.
	addOlder func(context.Context, *process.Store) error
	// replace puts the new one in the place of the old one, and returns where that is kept.
	replace func(context.Context) (kept string, err error)
}

func (r *rewind) run(cmd *cobra.Command) (err error) {
	prepare := r.file
	if isPostgres(r.store) {
		prepare = r.tables
	}
	h, err := prepare(cmd)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	server, err := r.log.connect(ctx, cmd)
	if err != nil {
		return err
	}
	log, err := bus.OpenExisting(ctx, server, r.log.log(cmd))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if log.Absent() {
		return r.log.absent()
	}
	if err := r.checkSink(ctx, server, log, h); err != nil {
		return err
	}
	from, err := r.begin(cmd, log)
	if err != nil {
		return err
	}
	name := r.sink + "-rewind"
	finish := h.addOlder
	if !r.keepOlder {
		finish = nil
	}
	err = process.Rebuild(ctx, process.Config{
		Server: server, Log: r.log.log(cmd), Sink: name, Logger: logger(cmd),
		Open: func(ctx context.Context) (*process.Store, error) { return h.open(ctx, name) },
	}, from, finish)
	if err != nil {
		return err
	}
	kept, err := h.replace(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is the new history; the old one is %s\n", h.target, kept)
	return nil
}

// checkSink refuses the store of another sink.
func (r *rewind) checkSink(ctx context.Context, server bus.Server, log *bus.Bus, h rebuilt) error {
	all, err := process.List(ctx, server, r.log.database, log)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Sink == r.sink && s.Target != "" && (s.Target != h.target || s.Kind != h.kind) {
			return fmt.Errorf("the sink %s writes to %s on %s, and not to %s", r.sink, s.Target, s.Host, h.target)
		}
	}
	return nil
}

// begin returns the sequence where the log is read from, and says what that means.
func (r *rewind) begin(cmd *cobra.Command, log *bus.Bus) (uint64, error) {
	span, err := log.Span(cmd.Context())
	if err != nil {
		return 0, err
	}
	from, err := strconv.ParseUint(r.to, 10, 64)
	if err != nil {
		ms, err := parseTime(r.to, time.Now())
		if err != nil {
			return 0, usageError{err}
		}
		if from, err = log.SequenceAt(cmd.Context(), time.UnixMilli(ms)); err != nil {
			return 0, err
		}
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "the log has the messages %d to %d, since %s\n", span.First, span.Last, formatTime(span.FirstTime.UnixMilli()))
	if from < span.First {
		fmt.Fprintf(out, "it does not reach back to %s\n", r.to)
	}
	from = max(from, span.First, 1)
	older := "what is older stays in the old history"
	if r.keepOlder {
		older = "rows that are older are copied from the old history"
	}
	fmt.Fprintf(out, "the new history begins with message %d; %s\n", from, older)
	return from, nil
}
