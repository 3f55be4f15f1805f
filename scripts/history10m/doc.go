// Command history10m makes a history file of many rows, with values like those
// of the weather hub, for benchmarks of queries and pruning. It goes through
// the store's own writer, so the file is what a database would have made.
package main
