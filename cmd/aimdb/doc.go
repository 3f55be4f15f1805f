// Command aimdb runs the weather hub and talks to running databases and to
// history files.
//
// Each file is one subcommand: it parses its flags, calls a package and prints the
// result with printAll or printOne, in the format of --format. Results go to stdout, errors and progress to stderr. The exit status is 0
// on success, 1 if the command failed, and 2 if the command line is wrong. Of verify and hub verify it
// is 3 if values are lost and all of that is known, and 4 if something is missing or
// damaged that nobody knew.
package main
