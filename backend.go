package aimdb

import (
	"context"
	"iter"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/retention"
)

// Backend keeps the history of a database: it takes batches from the log,
// answers queries and can be pruned. The SQLite store of sinks/sqlite is one.
type Backend interface {
	sinks.Sink
	retention.Pruner
	// Run is the actor that does the writing. It ends after ctx has, when
	// everything it had accepted is done.
	Run(ctx context.Context) error
	// Close releases the backend. It is called after Run has ended.
	Close() error
	// Latest yields the newest rows of each matching record.
	Latest(ctx context.Context, q history.LatestQuery) iter.Seq2[history.Row, error]
	// Last yields the rows of one record that were stored last, the last one
	// first. Unlike Latest it does not let itself be deceived by a clock that
	// was set back.
	Last(ctx context.Context, record string, limit int) iter.Seq2[history.Row, error]
	// Range yields the rows of a span of time.
	Range(ctx context.Context, q history.RangeQuery) iter.Seq2[history.Row, error]
	// Page returns at most q.Total rows of a range, and the cursor of what
	// follows.
	Page(ctx context.Context, q history.RangeQuery) (rows []history.Row, next string, err error)
	// CursorAfter returns the cursor that goes on behind the rows that Range
	// has yielded for q so far.
	CursorAfter(q history.RangeQuery, rows []history.Row) (string, error)
	// Buckets yields summaries of a number over spans of time.
	Buckets(ctx context.Context, q history.BucketQuery) iter.Seq2[history.Bucket, error]
	// Stats describes the whole history.
	Stats(ctx context.Context) (history.Stats, error)
	// Position returns up to where of the log, and up to which row, a history
	// read now would reach.
	Position(ctx context.Context) (history.Snapshot, error)
}
