package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func newHistoryBackup() *cobra.Command {
	return &cobra.Command{
		Use:   "backup DB FILE",
		Short: "Write a consistent copy of a history, in use or not",
		Long: `Write a consistent copy of a history into a new file. A database may write
meanwhile. To restore, copy the file to where the history was.`,
		Example: `  aimdb history backup ./aimdb-data/history.db backup.db
  aimdb history check backup.db`,
		Args: arguments("DB", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return reading(cmd, args[0], func(s *sqlite.Store) error {
				if err := s.Backup(cmd.Context(), args[1]); err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "backed up to %s\n", args[1])
				return nil
			})
		},
	}
}
