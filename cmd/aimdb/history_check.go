package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/internal/counted"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func newHistoryCheck() *cobra.Command {
	var f format
	var repair bool
	c := &cobra.Command{
		Use:   "check DB",
		Short: "Read a whole history and report what is wrong",
		Long: `Read a whole history, its structure, indexes, values, checksums and counts, and
report what is wrong. The exit status is 1 if something is wrong. With --repair,
wrong counts are corrected, and rows of other programs or older versions get a
checksum; neither is a failure. Rows that are missing or changed are for 'aimdb
verify', other damage needs a backup. Without --repair, nothing is changed.

A database may write meanwhile. Its write-ahead log cannot be checkpointed while
the structure is checked, which reads the whole file once, and while a record with
a wrong count is counted. The rest is read in short transactions.`,
		Example: `  aimdb history check ./aimdb-data/history.db
  aimdb history check ./aimdb-data/history.db --repair
  aimdb history check backup.db && echo good`,
		Args: arguments("DB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			open := reading
			if repair {
				if err := checkFile(cmd, args[0]); err != nil {
					return err
				}
				open = writing
			}
			return open(cmd, args[0], func(s *sqlite.Store) error {
				report, err := s.Check(cmd.Context())
				if err != nil {
					return err
				}
				return printCheck(cmd, f, args[0], report)
			})
		},
	}
	f.flag(c.Flags())
	addLitestream(c)
	c.Flags().BoolVar(&repair, "repair", false, "correct wrong counts and add missing checksums")
	return c
}

func printCheck(cmd *cobra.Command, f format, path string, report sqlite.CheckReport) error {
	if err := printOne(cmd, f, columns("ROWS", "PROBLEMS"), report, report.Rows, len(report.Problems)); err != nil {
		return err
	}
	for _, r := range report.Repaired {
		fmt.Fprintf(cmd.ErrOrStderr(), "put right: %s\n", r)
	}
	if len(report.Problems) == 0 {
		return nil
	}
	for _, p := range report.Problems {
		fmt.Fprintln(cmd.ErrOrStderr(), p)
	}
	return fmt.Errorf("%s has %s", path, counted.Of(len(report.Problems), "problem"))
}
