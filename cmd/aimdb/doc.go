// Command aimdb runs the weather hub and talks to running databases and to
// history files.
//
// Each file is one subcommand: it parses its flags, calls a package and prints the
// result with printAll or printOne, in the format of --format. Results go to stdout, errors
// and progress to stderr. The exit statuses are in exitcodes.go, which aimdb help exit-codes
// prints.
//
// Completion follows the text of the usage: KEY and PATTERN are completed with what the
// running database has, and list|retry and a flag of the type table|json with their words.
package main
