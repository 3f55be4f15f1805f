package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func newHistoryStats(env func(string) string) *cobra.Command {
	show := credentials{env: env}
	var f format
	var list lost
	c := &cobra.Command{
		Use:   "stats HISTORY",
		Short: "Print what a history holds, and how large it is",
		Long: `Print what a history holds, and how large it is. Of a file it also says what only
SQLite knows: free space inside, and the write-ahead log beside it. HISTORY is a file, a DSN
of PostgreSQL or the endpoint of a running database.`,
		Example: `  aimdb history stats ./aimdb-data/history.db
  aimdb history stats ./aimdb-data/history.db --format json | jq .bytes
  aimdb history stats /tmp/aimdb.sock            # of a running database
  aimdb history stats ./aimdb-data/history.db --losses
  aimdb history stats postgres://aimdb@127.0.0.1/aimdb`,
		Args: arguments("HISTORY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if list.wanted() {
				return list.print(cmd, args[0], f)
			}
			return asking(cmd, args[0], &show, func(s source) error {
				st, err := askStats(cmd.Context(), s)
				if err != nil {
					return err
				}
				return printStats(cmd, f, st)
			})
		},
	}
	f.flag(c.Flags())
	show.flag(c)
	list.flags(c)
	return c
}

// fullStats is what a file has to say; an endpoint has no FileStats.
type fullStats struct {
	history.Stats
	*sqlite.FileStats
}

func askStats(ctx context.Context, s source) (st fullStats, err error) {
	if st.Stats, err = s.Stats(ctx); err != nil {
		return st, err
	}
	if file, ok := s.(local); ok {
		var own sqlite.FileStats
		own, err = file.FileStats(ctx)
		st.FileStats = &own
	}
	return st, err
}

// printStats prints three tables, or one object. Only the records are CSV.
func printStats(cmd *cobra.Command, f format, st fullStats) error {
	if f != asTable && f != asCSV {
		return printOne(cmd, f, layout{}, st)
	}
	w := cmd.OutOrStdout()
	if f == asTable {
		if err := printOne(cmd, f, columns("ROWS", "BYTES", "LAST PRUNE", "LOST", "DEAD LETTERS"), st,
			st.Rows, st.Bytes, timeOrDash(st.LastPrune), st.Lost, st.DeadLetters); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	l := columns("RECORD", "ROWS", "VALUE BYTES", "FIRST", "LAST")
	l.empty = "no record has rows"
	err := printAll(cmd, f, l, each(st.Records), func(r history.RecordStats) []any {
		return []any{r.Record, r.Rows, r.Bytes, formatTime(r.FirstTime), formatTime(r.LastTime)}
	})
	if err != nil || st.FileStats == nil || f != asTable {
		return err
	}
	fmt.Fprintln(w)
	return printOne(cmd, f, columns("FREE BYTES", "WAL BYTES", "WAL STUCK", "SHRINKS"), st,
		st.FreeBytes, st.WALBytes, yesNo(st.WALStuck), yesNo(st.Shrinks))
}

func timeOrDash(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return formatTime(ms)
}
