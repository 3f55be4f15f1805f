package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/internal/counted"
)

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
	root.Long = `aimdb talks to running databases of typed records with history, looks after what they
keep, and has a weather hub to try it with.`
	root.Example = `  aimdb serve                                      # a database that takes any JSON under any key
  aimdb demo                                       # the hub, with a page on 127.0.0.1:8080
  aimdb record list                                # the records of the database that runs here
  aimdb verify ./aimdb-data                        # is anything missing?`
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.SetFlagErrorFunc(flagError)
	setVersion(root)
	section(root, "Run a database:", newServe(env), newDemo(), newConfig(env), newToken())
	section(root, "Talk to a running database:", newRecord(env), newProduce(env), newRecordWatch(env), newGraph(env), newInstance(env), newMCP(env))
	section(root, "Keep and prove history:", newHistory(env), newBackup(), newVerify(openUnchecked, env), newDoctor(env))
	section(root, "Run parts in processes of their own:", newSink(), newGateway(), newHub())
	root.AddCommand(newExitCodes())
	complete(root, env)
	return root
}

// section adds commands below a heading of the help.
func section(root *cobra.Command, heading string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: heading, Title: heading})
	for _, c := range commands {
		c.GroupID = heading
	}
	root.AddCommand(commands...)
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
			if full := named(cmd.Root(), args[0]); full != "" {
				err = fmt.Errorf("%w; did you mean %s?", err, full)
			} else if near := nearest(cmd, args[0]); near != "" {
				err = fmt.Errorf("%w; did you mean %q?", err, near)
			}
			return usageError{err}
		},
	}
	c.AddCommand(commands...)
	return c
}

// arguments requires one argument for each name. Another number is a usage error.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		return usageError{fmt.Errorf("%s takes %s %v, got %d", cmd.CommandPath(), counted.Of(len(names), "argument"), names, len(args))}
	}
}

// someArguments requires at least one argument.
func someArguments(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return nil
		}
		return usageError{fmt.Errorf("%s takes at least one %s", cmd.CommandPath(), name)}
	}
}

// argumentsFrom requires at least that many arguments; the others are optional.
func argumentsFrom(least int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) >= least && len(args) <= len(names) {
			return nil
		}
		return usageError{fmt.Errorf("%s takes %d to %s %v, got %d", cmd.CommandPath(), least, counted.Of(len(names), "argument"), names, len(args))}
	}
}
