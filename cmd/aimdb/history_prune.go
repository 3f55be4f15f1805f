package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/counted"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/retention"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func newHistoryPrune() *cobra.Command {
	var f format
	var dry bool
	var pattern string
	var policy history.Policy
	var fileBytes int64
	var clockOK bool
	c := &cobra.Command{
		Use:   "prune DB",
		Short: "Delete rows beyond an age, a number or a size",
		Long: `Delete the oldest rows of the matching records and return the space to the disk. It
runs in short transactions, so a running database can write in between. --dry-run
only reports.

DB is a file, or a DSN of PostgreSQL, where what is deleted is either dropped with its
partition or left to autovacuum.

--max-rows and --max-bytes keep what was stored last. A row whose time lies in the
future counts for --max-age as written when a sweep first found it. A record keeps
its rows if nine tenths of them would be deleted only because the clock has advanced
since the last sweep by more than this history can know; --clock-ok says that the
clock is right.`,
		Example: `  aimdb history prune ./aimdb-data/history.db --max-age 7d --dry-run
  aimdb history prune ./aimdb-data/history.db --pattern 'accuracy::*' --max-rows 10000
  aimdb history prune ./aimdb-data/history.db --file-bytes 1000000000
  aimdb history prune postgres://aimdb@127.0.0.1/aimdb --max-age 30d`,
		Args: arguments("DB"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			config := retention.Config{MaxBytes: fileBytes, ClockOK: clockOK, Logger: logger(cmd)}
			flags := cmd.Flags()
			switch {
			case flags.Changed("max-age") || flags.Changed("max-rows") || flags.Changed("max-bytes"):
				if policy.Pattern, err = parsePattern(pattern); err != nil {
					return err
				}
				config.Policies = []history.Policy{policy}
			case fileBytes == 0:
				return usageError{fmt.Errorf("give a limit: --max-age, --max-rows, --max-bytes or --file-bytes")}
			}
			return pruning(cmd, args[0], dry, func(s history.Pruner) error {
				r, err := retention.New(s, config)
				if err != nil {
					return usageError{err}
				}
				sweep := r.Sweep
				if dry {
					sweep = r.DryRun
				}
				report, err := sweep(cmd.Context())
				if err != nil {
					return err
				}
				return printPruned(cmd, f, dry, report)
			})
		},
	}
	addLitestream(c)
	flags := c.Flags()
	f.flag(flags)
	flags.BoolVar(&clockOK, "clock-ok", false, "the clock is right: delete also what only it makes too old")
	flags.BoolVar(&dry, "dry-run", false, "report what would be deleted, and delete nothing")
	flags.StringVar(&pattern, "pattern", "#", "the records that the limits apply to")
	flags.Var(spanFlag{&policy.MaxAge}, "max-age", "delete rows that are older (7d)")
	flags.Int64Var(&policy.MaxRows, "max-rows", 0, "keep that many rows of each record")
	flags.Int64Var(&policy.MaxBytes, "max-bytes", 0, "keep that many bytes of values of each record")
	flags.Int64Var(&fileBytes, "file-bytes", 0, "limit of the size of the history on disk")
	return c
}

// pruning opens a history in a file or in PostgreSQL.
func pruning(cmd *cobra.Command, target string, dry bool, do func(history.Pruner) error) error {
	if isPostgres(target) {
		return inPostgres(cmd, target, func(s *postgres.Store) error { return do(s) })
	}
	if err := checkFile(cmd, target); err != nil {
		return err
	}
	open := writing
	if dry {
		open = reading
	}
	return open(cmd, target, func(s *sqlite.Store) error { return do(s) })
}

func printPruned(cmd *cobra.Command, f format, dry bool, report history.PruneReport) error {
	if f != asTable && f != asCSV {
		return printOne(cmd, f, layout{}, report)
	}
	l := columns("RECORD", "ROWS", "VALUE BYTES")
	l.empty = "" // the sum follows
	err := printAll(cmd, f, l, each(report.Records), func(r history.PrunedRecord) []any {
		return []any{r.Record, r.Rows, r.Bytes}
	})
	if err != nil || f == asCSV {
		return err
	}
	done := fmt.Sprintf("deleted; %s of disk space %s free", counted.Of(report.FreedBytes, "byte"), counted.Verb(report.FreedBytes, "is", "are"))
	if dry {
		done = "would be deleted"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "\n%s (%s of values) %s\n", counted.Of(report.Rows, "row"), counted.Of(report.Bytes, "byte"), done)
	for _, held := range report.Held {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s keeps %s that only the clock makes too old; if it is right, say --clock-ok\n", held.Record, counted.Of(held.Rows, "row"))
	}
	if report.Future > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s from the future %s until stored for as long as --max-age says\n", counted.Of(report.Future, "row"), counted.Verb(report.Future, "stays", "stay"))
	}
	if report.OverBytes > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "the history is still %s too large, because policies keep the rest\n", counted.Of(report.OverBytes, "byte"))
	}
	return nil
}
