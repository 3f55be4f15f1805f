package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func newHistoryCheck() *cobra.Command {
	var f format
	c := &cobra.Command{
		Use:   "check DB",
		Short: "Read a whole history and say what is wrong with it",
		Long: `Read a whole history, its structure, indexes, values and counts, and say what is
wrong. Nothing is changed. The exit status is 1 if something is wrong.`,
		Example: `  aimdb history check ./aimdb-data/history.db
  aimdb history check backup.db && echo good`,
		Args: arguments("DB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return reading(cmd, args[0], func(s *sqlite.Store) error {
				report, err := s.Check(cmd.Context())
				if err != nil {
					return err
				}
				return printCheck(cmd, f, args[0], report)
			})
		},
	}
	f.flag(c.Flags())
	return c
}

// checked is a CheckReport as it is printed.
type checked struct {
	Rows     int64    `json:"rows"`
	Problems []string `json:"problems"`
}

func printCheck(cmd *cobra.Command, f format, path string, report sqlite.CheckReport) error {
	out := newOutput(cmd.OutOrStdout(), f, 200, "ROWS", "PROBLEMS")
	if err := out.row(checked{report.Rows, append([]string{}, report.Problems...)}, report.Rows, len(report.Problems)); err != nil {
		return err
	}
	if err := out.end(); err != nil {
		return err
	}
	if len(report.Problems) == 0 {
		return nil
	}
	for _, p := range report.Problems {
		fmt.Fprintln(cmd.ErrOrStderr(), p)
	}
	return fmt.Errorf("%s has %d problems", path, len(report.Problems))
}
