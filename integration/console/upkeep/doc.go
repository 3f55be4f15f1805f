// Package upkeep has the tests of the console's pages for operators, in a real browser: graph,
// log and sinks, losses, retention, and disk.
package upkeep
