package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
)

func newHistoryMigrate(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Rewrite rows of older shapes in the present one",
		Long: `Have a running database rewrite the rows of its history whose values have an older
shape than their record has now. The functions that do so are part of the program, which
has declared them with aimdb.Migrate, so it does the work, beside its writes. Other sinks
than the history of the database are not changed.

Rows are upgraded whenever they are read, so nothing needs this. It saves that work, lets
other programs read the rows, and shows which rows cannot be upgraded: these stay as they
are. Run it again if it was interrupted. A token must grant writing all records.

The exit status is 0 if all rows have the present shape, and 3 if some are left.`,
		Example: `  aimdb history migrate
  aimdb history migrate --connect /tmp/aimdb.sock --format json | jq .left`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				report, err := migrateWithProgress(cmd, client)
				if err != nil {
					return notOffered(err)
				}
				return printMigration(cmd, f, report)
			})
		},
	}
	at.flag(c)
	f.flag(c.Flags())
	return c
}

// migrateEvery is how often the progress of a migration is asked for.
const migrateEvery = time.Second

// migrateWithProgress shows how far the migration is until it ends.
func migrateWithProgress(cmd *cobra.Command, client *aimx.Client) (report history.MigrateReport, err error) {
	ctx, cancel := context.WithCancel(cmd.Context())
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		bar := newProgress(cmd.ErrOrStderr(), -1, "rewriting")
		defer func() { _ = bar.Finish() }() // it is only drawn
		ticker := time.NewTicker(migrateEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if p, err := client.HistoryMigrateProgress(ctx); err == nil { // the migration itself tells what is wrong
				_ = bar.Set64(p.Rewritten)
			}
		}
	}()
	report, err = client.HistoryMigrate(ctx)
	cancel()
	<-shown
	return report, err
}

func printMigration(cmd *cobra.Command, f format, report history.MigrateReport) error {
	l := columns("RECORD", "SHAPE", "REWRITTEN", "LEFT", "REASON")
	l.empty = "no rows of records with migrations"
	err := printAll(cmd, f, l, each(report.Records), func(r history.MigratedRecord) []any {
		return []any{r.Record, r.Shape, r.Rewritten, r.Left, r.Reason}
	})
	if err != nil {
		return err
	}
	if report.Left > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "rows that could not be upgraded and stay as they are: %d; queries leave them out and count them\n", report.Left)
		return exitStatus(exitLost)
	}
	return nil
}
