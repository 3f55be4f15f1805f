// Command aimdb runs the weather hub and talks to running databases and to
// history files.
//
// It holds no logic: each file is one subcommand, which reads its flags, calls
// a package and prints what comes back. Results go to stdout, errors and
// progress to stderr. The exit status is 0, or 1 if what was asked for failed,
// or 2 if it was asked for in the wrong way.
package main
