package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
)

func newRecordQuery(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	var q history.LatestQuery
	c := &cobra.Command{
		Use:   "query PATTERN",
		Short: "Print the newest stored rows of each matching record",
		Long: `Print the newest stored rows of each matching record, by time. In a pattern, * is
one segment of a key and # is any number of segments.`,
		Example: `  aimdb record query 'accuracy::*'                     # one row of each city
  aimdb record query 'accuracy::*' --limit 24 --start 1d
  aimdb record query '#' --limit 100 --start 2026-01-01T00:00:00Z --format json`,
		Args: arguments("PATTERN"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if q.Pattern, err = parsePattern(args[0]); err != nil {
				return err
			}
			if q.Limit < 1 {
				return usageError{errors.New("--limit is the number of rows of each record, at least 1")}
			}
			if err := checkWindow(q.Window); err != nil {
				return err
			}
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				rows, err := client.Query(cmd.Context(), q.Pattern.String(), q.Limit, q.Window)
				if err != nil {
					return err
				}
				if len(rows) == 0 {
					sayNoRows(cmd, client, q)
				}
				return printRows(cmd, f, each(rows))
			})
		},
	}
	at.flag(c.Flags())
	f.flag(c.Flags())
	windowFlags(c.Flags(), &q.Window)
	c.Flags().IntVar(&q.Limit, "limit", 1, "rows of each record")
	return c
}
