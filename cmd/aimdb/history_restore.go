package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func newHistoryRestore() *cobra.Command {
	return &cobra.Command{
		Use:   "restore BACKUP DB",
		Short: "Replace a history that is not in use by a backup",
		Long: `Verify a backup and replace a history that is not in use by a copy of it. The
history changes at once or, where anything fails, not at all. Do not copy a backup
by hand: SQLite would replay the write-ahead log of the old history into it.

Back the old history up first if it may still be wanted. A database that starts on
the restored history adds what its log holds of the time since the backup.`,
		Example: `  aimdb history restore backup.db ./aimdb-data/history.db`,
		Args:    arguments("BACKUP", "DB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if isEndpoint(args[1]) {
				return checkFile(cmd, args[1])
			}
			if err := checkFile(cmd, args[0]); err != nil {
				return err
			}
			if err := sqlite.Restore(cmd.Context(), args[0], args[1], sqlite.Logger(logger(cmd))); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "restored %s from %s\n", args[1], args[0])
			return nil
		},
	}
}
