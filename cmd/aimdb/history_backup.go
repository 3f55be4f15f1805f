package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func newHistoryBackup() *cobra.Command {
	var verify bool
	c := &cobra.Command{
		Use:   "backup DB FILE",
		Short: "Write a consistent copy of a history, in use or not",
		Long: `Write a consistent copy of a history into a new file. A database may write
meanwhile. --verify checks the structure of the new file. 'aimdb history restore'
puts a backup back.`,
		Example: `  aimdb history backup ./aimdb-data/history.db backup.db --verify
  aimdb history check backup.db                             # checks more than --verify
  aimdb history restore backup.db ./aimdb-data/history.db`,
		Args: arguments("DB", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return reading(cmd, args[0], func(s *sqlite.Store) error {
				if err := s.Backup(cmd.Context(), args[1]); err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "backed up to %s\n", args[1])
				if !verify {
					return nil
				}
				if err := sqlite.Verify(cmd.Context(), args[1], sqlite.Logger(logger(cmd))); err != nil {
					return fmt.Errorf("the backup is not good; make another one: %w", err)
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "verified %s\n", args[1])
				return nil
			})
		},
	}
	c.Flags().BoolVar(&verify, "verify", false, "check the structure of the backup, which reads all of it")
	return c
}
