package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func newHistoryCheck() *cobra.Command {
	var f format
	var repair bool
	c := &cobra.Command{
		Use:   "check DB",
		Short: "Read a whole history and say what is wrong with it",
		Long: `Read a whole history, its structure, indexes, values and counts, and say what is
wrong. The exit status is 1 if something is wrong. Nothing is changed, but with
--repair counts that are off are put right; then they are no reason to fail. What
else may be wrong a backup has to put right.

A database may go on writing meanwhile. It cannot take its write-ahead log over
into the file while the structure is looked at, which is one read of all of it,
or a record whose count is off; the rest is read in short pieces.`,
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
	c.Flags().BoolVar(&repair, "repair", false, "put counts that are off right")
	return c
}

func printCheck(cmd *cobra.Command, f format, path string, report sqlite.CheckReport) error {
	out := newOutput(cmd.OutOrStdout(), f, 200, "ROWS", "PROBLEMS")
	if err := out.row(report, report.Rows, len(report.Problems)); err != nil {
		return err
	}
	if err := out.end(); err != nil {
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
	return fmt.Errorf("%s has %d problems", path, len(report.Problems))
}
