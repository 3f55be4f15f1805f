package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/counted"
)

func newSinkDeadLetters() *cobra.Command {
	var f format
	var all bool
	c := &cobra.Command{
		Use:   "dead-letters STORE list|retry|drop [ID…]",
		Short: "List, store or drop the values that a store has refused",
		Long: `List, store or drop the values that a store has refused for good, such as one that was
too large. STORE is the path of a history file, or the DSN of one in PostgreSQL. A sink or
a database may run on it meanwhile.

retry stores them as rows, if the store takes them now. Each one leaves the dead letters
and the ledger of losses in the transaction that stores it. drop deletes them; the ledger
keeps their losses.`,
		Example: `  aimdb sink dead-letters ./history.db list
  aimdb sink dead-letters ./history.db retry 3 4
  aimdb sink dead-letters ./history.db drop --all
  aimdb sink dead-letters postgres://aimdb@127.0.0.1/aimdb list`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usageError{fmt.Errorf("%s takes the path or DSN of a store, and list, retry or drop", cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path, verb := args[0], args[1]
			ids, err := letterIDs(args[2:])
			if err != nil {
				return err
			}
			if verb == "list" {
				if len(ids) > 0 || all {
					return usageError{errors.New("list takes no ID and no --all: it lists all dead letters")}
				}
				return keptIn(cmd, path, false, func(s kept) error { return printDeadLetters(cmd, s, f) })
			}
			change, done := history.DeadLetters.RetryDeadLetter, "stored"
			switch {
			case verb == "drop":
				change, done = history.DeadLetters.DropDeadLetter, "dropped"
			case verb != "retry":
				return usageError{fmt.Errorf("there is no %q for dead letters; say list, retry or drop", verb)}
			}
			if all == (len(ids) > 0) {
				return usageError{fmt.Errorf("%s takes either the IDs of dead letters or --all", verb)}
			}
			return keptIn(cmd, path, true, func(s kept) error { return changeLetters(cmd, s, ids, change, done) })
		},
	}
	f.flag(c.Flags())
	addLitestream(c)
	c.Flags().BoolVar(&all, "all", false, "retry or drop all dead letters of the store")
	return c
}

func letterIDs(args []string) (ids []int64, err error) {
	for _, a := range args {
		id, err := strconv.ParseInt(a, 10, 64)
		if err != nil {
			return nil, usageError{fmt.Errorf("%q is not the ID of a dead letter; list shows them", a)}
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// changeLetters does something with dead letters, with all of them if there are no IDs.
// It goes on after an error, and returns all of them.
func changeLetters(cmd *cobra.Command, s history.DeadLetters, ids []int64, change func(history.DeadLetters, context.Context, int64) error, done string) error {
	if len(ids) == 0 {
		for l, err := range s.DeadLetters(cmd.Context()) {
			if err != nil {
				return err
			}
			ids = append(ids, l.ID)
		}
	}
	var errs []error
	for _, id := range ids {
		if err := change(s, cmd.Context(), id); err != nil {
			errs = append(errs, err)
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d of %s %s\n", len(ids)-len(errs), counted.Of(len(ids), "dead letter"), done)
	return errors.Join(errs...)
}
