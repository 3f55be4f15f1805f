package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// The exit statuses.
const (
	exitOK = iota
	exitFailed
	exitUsage
	// exitLost and exitUnknown are of verify and hub verify only; history migrate has
	// exitLost for rows that are left.
	exitLost
	exitUnknown
)

// exitStatus ends a command that has said everything with a status.
type exitStatus int

// Error implements error.
func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// usageError says that a command line is wrong.
type usageError struct{ error }

// Unwrap returns the cause.
func (e usageError) Unwrap() error { return e.error }

// run executes one command line and returns the exit status. env looks up
// environment variables.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string) int {
	return execute(ctx, newRoot(env), args, stdin, stdout, stderr)
}

func execute(ctx context.Context, root *cobra.Command, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root.SetArgs(splitNegative(root, args))
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if status := exitStatus(0); errors.As(err, &status) {
		return int(status)
	}
	fmt.Fprintf(stderr, "aimdb: %s\n", strings.TrimPrefix(err.Error(), "aimdb: "))
	if usage := (usageError{}); errors.As(err, &usage) {
		fmt.Fprintf(stderr, "See '%s --help'.\n", cmd.CommandPath())
		return exitUsage
	}
	return exitFailed
}

func newRoot(env func(string) string) *cobra.Command {
	root := group("aimdb", "Typed records in memory, with history")
	root.Long = `aimdb runs the weather hub, a database of typed records with history, and talks
to running databases and to history files.`
	root.Example = `  aimdb demo                                       # the hub, with a page on 127.0.0.1:8080
  aimdb record list                                # the records of a running database
  aimdb record query 'accuracy::*' --limit 3       # the newest three rows of each city
  aimdb history stats ./aimdb-data/history.db      # a history file, in use or not
  aimdb verify ./aimdb-data                        # is anything missing?
  aimdb sink list --nats-url nats://127.0.0.1:4222 --name hub`
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newDemo(), newRecord(env), newInstance(env), newHistory(env), newSink(), newGateway(), newHub(), newVerify(openUnchecked, env))
	return root
}

// group is a command that only has subcommands.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			err := fmt.Errorf("%s has no command %q", cmd.CommandPath(), args[0])
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				err = fmt.Errorf("%w; did you mean %q?", err, near[0])
			}
			return usageError{err}
		},
	}
	c.SuggestionsMinimumDistance = 2
	c.AddCommand(commands...)
	return c
}

// arguments requires one argument for each name. Another number is a usage error.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return usageError{fmt.Errorf("%s takes %d arguments %v, got %d", cmd.CommandPath(), len(names), names, len(args))}
	}
}

// argumentsFrom requires at least that many arguments; the others are optional.
func argumentsFrom(least int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= len(names) {
			return nil
		}
		return usageError{fmt.Errorf("%s takes %d to %d arguments %v, got %d", cmd.CommandPath(), least, len(names), names, len(args))}
	}
}
