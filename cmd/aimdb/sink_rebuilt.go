package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/counted"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/process"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// file prepares to rebuild a history in a file.
func (r *rewind) file(cmd *cobra.Command) (rebuilt, error) {
	if err := checkFile(cmd, r.store); err != nil {
		return rebuilt{}, err
	}
	at, err := placeOf("sqlite", r.store)
	if err != nil {
		return rebuilt{}, err
	}
	fresh := r.store + ".rebuilding"
	return rebuilt{
		kind: "sqlite", target: at.shown,
		open: func(ctx context.Context, name string) (*process.Store, error) {
			for _, suffix := range []string{"", "-wal", "-shm", ".lock"} { // of an attempt that was interrupted
				if err := os.Remove(fresh + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
					return nil, err
				}
			}
			return openSQLite(ctx, sinkTarget{name: name, to: fresh, logger: logger(cmd)})
		},
		addOlder: func(ctx context.Context, to *process.Store) error {
			s := to.Sink.(*sqlite.Store) // of open
			first, err := firstTimes(ctx, s)
			if err != nil {
				return err
			}
			return reading(cmd, r.store, func(old *sqlite.Store) error {
				report, err := s.Import(ctx, olderRows(ctx, old, first))
				fmt.Fprintf(cmd.OutOrStdout(), "%s %s copied\n", counted.Of(report.Added, "older row"), counted.Verb(report.Added, "was", "were"))
				return err
			})
		},
		replace: func(ctx context.Context) (string, error) {
			return sqlite.Replace(ctx, fresh, r.store, sqlite.Logger(logger(cmd)))
		},
	}, nil
}

// tables prepares to rebuild a history in PostgreSQL, in a schema beside.
func (r *rewind) tables(cmd *cobra.Command) (h rebuilt, err error) {
	at, err := placeOf("postgres", r.store)
	if err != nil {
		return h, err
	}
	old := postgresConfig(sinkTarget{to: r.store, logger: logger(cmd)})
	fresh := old
	fresh.Schema = fmt.Sprintf("%.50s_rebuild", old.Schema)
	err = inPostgres(cmd, r.store, func(s *postgres.Store) error {
		fresh.Partition, err = s.Width(cmd.Context())
		return err
	})
	return rebuilt{
		kind: "postgres", target: at.shown,
		open: func(ctx context.Context, name string) (*process.Store, error) {
			if err := postgres.Discard(ctx, fresh); err != nil { // of an attempt that was interrupted
				return nil, err
			}
			fresh.Name = name
			s, err := postgres.Open(ctx, fresh)
			if err != nil {
				return nil, err
			}
			return postgresStore(s), nil
		},
		addOlder: func(ctx context.Context, to *process.Store) error {
			s := to.Sink.(*postgres.Store) // of open
			first, err := firstTimes(ctx, s)
			if err != nil {
				return err
			}
			return inPostgres(cmd, r.store, func(old *postgres.Store) error {
				report, err := s.Import(ctx, olderRows(ctx, old, first))
				fmt.Fprintf(cmd.OutOrStdout(), "%s %s copied\n", counted.Of(report.Added, "older row"), counted.Verb(report.Added, "was", "were"))
				return err
			})
		},
		replace: func(ctx context.Context) (string, error) {
			kept, err := postgres.Replace(ctx, old, fresh.Schema)
			return "in the schema " + kept, err
		},
	}, err
}

// firstTimes returns the time of the first row of each record.
func firstTimes(ctx context.Context, h history.Reader) (map[string]int64, error) {
	have, err := h.Stats(ctx)
	if err != nil {
		return nil, err
	}
	first := map[string]int64{}
	for _, record := range have.Records {
		first[record.Record] = record.FirstTime
	}
	return first, nil
}

// olderRows yields the rows of a history up to a time of their record, and all rows of a
// record that has no such time. Of the rows of that millisecond some may be rebuilt; an
// import leaves out those.
func olderRows(ctx context.Context, old history.Reader, first map[string]int64) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		everything, err := parsePattern("#")
		if err != nil {
			yield(history.Row{}, err)
			return
		}
		if timed, is := old.(history.EventTimed); is { // then their times do not tell which are older
			some, err := timed.HasEventTimes(ctx)
			if err != nil {
				yield(history.Row{}, err)
				return
			}
			if some {
				first = nil // an import leaves out what is there
			}
		}
		for row, err := range old.Range(ctx, history.RangeQuery{Pattern: everything}) {
			if begin, rebuilt := first[row.Record]; err == nil && rebuilt && row.Time > begin {
				continue
			}
			if !yield(row, err) {
				return
			}
		}
	}
}
