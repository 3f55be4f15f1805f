package aimdb

import (
	"context"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

// Backend keeps the history of a database: a sink that takes batches from the log,
// a reader that answers queries, a pruner, and a life cycle. The SQLite store of
// sinks/sqlite is one.
type Backend interface {
	sinks.Sink
	history.Reader
	history.Pruner
	// Run does the writing. It ends after ctx has, when everything that it had
	// accepted is done.
	Run(ctx context.Context) error
	// Close releases the backend. It is called after Run has ended.
	Close() error
}
