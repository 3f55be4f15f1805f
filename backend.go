package aimdb

import (
	"context"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

// Backend keeps the history of a database: it takes batches from the log,
// answers queries and can be pruned. The SQLite store of sinks/sqlite is one.
type Backend interface {
	sinks.Sink
	history.Reader
	history.Pruner
	// Run is the actor that does the writing. It ends after ctx has, when
	// everything it had accepted is done.
	Run(ctx context.Context) error
	// Close releases the backend. It is called after Run has ended.
	Close() error
}
