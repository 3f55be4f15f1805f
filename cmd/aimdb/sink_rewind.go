package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/process"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
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
sink, --store the path of its history file, on this machine.

A new history is filled from the log beside the old one, which serves meanwhile. When it
has nearly all of the log it takes the place of the old one, which is kept under a name
with the time. A process that runs the sink notices that within seconds and continues at
the checkpoint of the new history: nothing is lost or stored twice.

What the log does not reach back to is only in the old history, and so are its ledger of
losses and its dead letters. --keep-older copies its rows from before the first rebuilt
one of each record into the new one.`,
		Example: `  aimdb sink rewind sqlite-history --to 24h --store ./history.db --nats-url nats://127.0.0.1:4222 --name hub
  aimdb sink rewind sqlite-history --to 1 --keep-older --store ./history.db --nats-url nats://127.0.0.1:4222 --name hub`,
		Args: arguments("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.sink = args[0]
			if r.to == "" || r.store == "" {
				return usageError{errors.New("--to and --store are needed: where the log is read from, and the path of the history")}
			}
			return r.run(cmd)
		},
	}
	f := c.Flags()
	r.log.flags(f)
	f.StringVar(&r.to, "to", "", "where the log is read from: a sequence, a time in RFC 3339, or a duration back from now (90m, 7d)")
	f.StringVar(&r.store, "store", "", "path of the history")
	f.BoolVar(&r.keepOlder, "keep-older", false, "copy older rows of the old history into the new one")
	return c
}

func (r *rewind) run(cmd *cobra.Command) (err error) {
	if err := checkFile(cmd, r.store); err != nil {
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
		return fmt.Errorf("database %s has no log on these servers", r.log.database)
	}
	if err := r.checkSink(ctx, server, log); err != nil {
		return err
	}
	from, err := r.begin(cmd, log)
	if err != nil {
		return err
	}
	fresh := r.store + ".rebuilding"
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} { // of an attempt that was interrupted
		if err := os.Remove(fresh + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	name := r.sink + "-rewind"
	err = process.Rebuild(ctx, process.Config{
		Server: server, Log: r.log.log(cmd), Sink: name, Logger: logger(cmd),
		Open: func(ctx context.Context) (*process.Store, error) {
			return openSQLite(ctx, sinkTarget{name: name, to: fresh, logger: logger(cmd)})
		},
	}, from, func(ctx context.Context, s *process.Store) error { return r.addOlder(ctx, cmd, s.Sink.(*sqlite.Store)) })
	if err != nil {
		return err
	}
	kept, err := sqlite.Replace(ctx, fresh, r.store, sqlite.Logger(logger(cmd)))
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is the new history; the old one is %s\n", r.store, kept)
	return nil
}

// checkSink refuses the file of another sink.
func (r *rewind) checkSink(ctx context.Context, server bus.Server, log *bus.Bus) error {
	all, err := process.List(ctx, server, r.log.database, log)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Sink == r.sink && s.Target != "" && s.Target != shownTarget(r.store) {
			return fmt.Errorf("the sink %s writes to %s on %s, and not to %s", r.sink, s.Target, s.Host, shownTarget(r.store))
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

// addOlder copies the rows of the old history from before the first row of each record.
func (r *rewind) addOlder(ctx context.Context, cmd *cobra.Command, fresh *sqlite.Store) error {
	if !r.keepOlder {
		return nil
	}
	have, err := fresh.Stats(ctx)
	if err != nil {
		return err
	}
	first := map[string]int64{}
	for _, record := range have.Records {
		first[record.Record] = record.FirstTime
	}
	return reading(cmd, r.store, func(old *sqlite.Store) error {
		report, err := fresh.Import(ctx, olderRows(ctx, old, first))
		fmt.Fprintf(cmd.OutOrStdout(), "%d older rows were copied\n", report.Added)
		return err
	})
}

// olderRows yields the rows of a history from before a time of their record, and all rows
// of a record that has no such time.
func olderRows(ctx context.Context, old *sqlite.Store, first map[string]int64) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		everything, err := parsePattern("#")
		if err != nil {
			yield(history.Row{}, err)
			return
		}
		for row, err := range old.Rows(ctx, everything, history.Window{}, 0) {
			if begin, rebuilt := first[row.Record]; err == nil && rebuilt && row.Time >= begin {
				continue
			}
			if !yield(row, err) {
				return
			}
		}
	}
}
