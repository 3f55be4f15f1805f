package main

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
)

func newRecordDrain(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	var limit int
	span := time.Second
	c := &cobra.Command{
		Use:   "drain KEY",
		Short: "Print the values that a record takes within a time",
		Long: `Open a cursor in a record, wait, and print the values since then, oldest first: those of a
ring that it still holds at the end and that fit into one answer, or the current value of a
record with one value. Draining a mailbox takes its value from the program.`,
		Example: `  aimdb record drain temp::seattle
  aimdb record drain temp::seattle --for 10s --limit 100 --format csv`,
		Args: arguments("KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKey(args[0]); err != nil {
				return err
			}
			if limit < 0 {
				return usageError{errors.New("--limit is a number of values; 0 is all")}
			}
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				return printCurrent(cmd, f, drained(cmd.Context(), client, args[0], span, limit))
			})
		},
	}
	at.flag(c)
	f.flag(c.Flags())
	c.Flags().Var(spanFlag{&span}, "for", "how long to wait")
	c.Flags().IntVar(&limit, "limit", 0, "at most that many values; 0 is all")
	return c
}

// drained yields what a record has at once, and what it has after a span of time.
func drained(ctx context.Context, client *aimx.Client, key string, span time.Duration, limit int) iter.Seq2[currentValue, error] {
	return func(yield func(currentValue, error) bool) {
		left := limit
		if limit == 0 {
			left = -1 // all
		}
		for _, wait := range []time.Duration{0, span} {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return // Ctrl-C
			}
			values, err := client.Drain(ctx, key, left)
			if err != nil {
				yield(currentValue{}, err)
				return
			}
			for _, value := range values {
				if !yield(currentValue{key, value}, nil) {
					return
				}
			}
			if limit > 0 {
				left -= len(values) // none are taken with 0 left
			}
		}
	}
}
