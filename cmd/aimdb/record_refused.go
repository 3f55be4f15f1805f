package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
)

func newRecordRefused(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	c := &cobra.Command{
		Use:   "refused",
		Short: "Show which values from outside were refused, and why",
		Long: `Show how many values from outside a running database took and refused since it started, by
cause, on stderr, and the last refusals: 64 at most, the newest first. VIA is the way in:
aimx, http, mqtt or nats. The values themselves are not kept. Refusals of records that the
client may not read are counted and not shown.`,
		Example: `  aimdb record refused
  aimdb record refused --connect ws://127.0.0.1:8080/ws --format ndjson | jq .reason`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				all, err := client.Refused(cmd.Context())
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "accepted %d", all.Accepted)
				for _, cause := range slices.Sorted(maps.Keys(all.Refused)) {
					fmt.Fprintf(cmd.ErrOrStderr(), ", %s %d", cause, all.Refused[cause])
				}
				fmt.Fprintln(cmd.ErrOrStderr())
				l := columns("TIME", "VIA", "CAUSE", "RECORD", "PATH", "REASON")
				l.empty = "no refusals are known"
				return printAll(cmd, f, l, each(all.Last), func(r aimx.RefusedValue) []any {
					return []any{time.UnixMilli(r.Time).UTC().Format(time.RFC3339), r.Via, r.Cause, r.Record, r.Path, r.Reason}
				})
			})
		},
	}
	at.flag(c)
	f.flag(c.Flags())
	return c
}
