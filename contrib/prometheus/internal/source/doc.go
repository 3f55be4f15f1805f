// Package source reads the history of a database: [AimX] that of one that runs, and
// [github.com/aimdb-go/aimdb/sinks/sqlite.OpenReadOnly] that in a file. Nothing in it
// writes.
package source
