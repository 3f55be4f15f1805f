package main

import (
	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
)

func newHistoryStats() *cobra.Command {
	var f format
	var list lost
	c := &cobra.Command{
		Use:   "stats DB_OR_ENDPOINT",
		Short: "Print the number of rows and the size of a history",
		Example: `  aimdb history stats ./aimdb-data/history.db
  aimdb history stats ./aimdb-data/history.db --format json | jq .file_bytes
  aimdb history stats /tmp/aimdb.sock            # of a running database
  aimdb history stats ./aimdb-data/history.db --losses`,
		Args: arguments("DB_OR_ENDPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if list.wanted() {
				return list.print(cmd, args[0], f)
			}
			return asking(cmd, args[0], func(s source) error {
				st, err := s.Stats(cmd.Context())
				if err != nil {
					return err
				}
				return printStats(cmd, f, st)
			})
		},
	}
	f.flag(c.Flags())
	list.flags(c)
	return c
}

func printStats(cmd *cobra.Command, f format, st history.Stats) error {
	file := newOutput(cmd.OutOrStdout(), f, 1, "ROWS", "FILE BYTES", "FREE BYTES", "WAL BYTES", "LAST PRUNE", "LOST", "DEAD LETTERS", "SHRINKS")
	if err := file.row(st, st.Rows, st.FileBytes, st.FreeBytes, st.WALBytes, timeOrDash(st.LastPrune), st.Lost, st.DeadLetters, yesNo(st.Shrinks)); err != nil {
		return err
	}
	if f == asJSON {
		return nil
	}
	if _, err := cmd.OutOrStdout().Write([]byte("\n")); err != nil {
		return err
	}
	out := newOutput(cmd.OutOrStdout(), f, 200, "RECORD", "ROWS", "VALUE BYTES", "FIRST", "LAST")
	for _, r := range st.Records {
		if err := out.row(r, r.Record, r.Rows, r.Bytes, formatTime(r.FirstTime), formatTime(r.LastTime)); err != nil {
			return err
		}
	}
	return out.end()
}

func timeOrDash(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return formatTime(ms)
}
