package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// The exit statuses. newExitCodes describes them.
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

// newExitCodes is a topic of help.
func newExitCodes() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "The exit statuses of all commands",
		Long: `The exit statuses of all commands:

  0  success. Commands that run until Ctrl-C, such as demo, sink run and record watch, end
     with it after Ctrl-C
  1  failed: stderr says what was attempted, on what, and what to do. Of doctor: there is a
     problem, and not only warnings
  2  the command line is wrong, and nothing was done. So are --connect and AIMDB_CONNECT if
     they are absent and several databases run here
  3  of verify and hub verify: values are lost, and all of that is known. Of history
     migrate: rows are left that could not be rewritten
  4  of verify and hub verify: something is missing or damaged that nobody knew

Results go to stdout, errors and progress to stderr. A second Ctrl-C ends a command at once,
with the status that the shell gives a command that a signal ended.`,
	}
}
