package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/internal/counted"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func newHistoryCompact() *cobra.Command {
	return &cobra.Command{
		Use:   "compact DB",
		Short: "Rewrite a history that is not in use, without its free space",
		Long: `Rewrite a history that no process has open. The new file has no free space, and can
later shrink while it is in use. Files of upstream AimDB need this once. It needs
about the size of the history as free space on the disk.`,
		Example: `  aimdb history compact ./aimdb-data/history.db`,
		Args:    arguments("DB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkFile(cmd, args[0]); err != nil {
				return err
			}
			report, err := sqlite.Compact(cmd.Context(), args[0], sqlite.Logger(logger(cmd)))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s before, %d after\n", counted.Of(report.Before, "byte"), report.After)
			return err
		},
	}
}
