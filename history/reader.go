package history

import (
	"context"
	"iter"
)

// Reader answers queries. All methods may be called at any time and from any
// number of goroutines. An error ends a sequence. A query that can never be
// answered fails with a [QueryError].
type Reader interface {
	// Latest yields the newest rows of every matching record: by record name in
	// byte order, and newest first within a record.
	Latest(ctx context.Context, q LatestQuery) iter.Seq2[Row, error]
	// Range yields the rows of a span of time that were stored when it began.
	// Rows that are pruned meanwhile may be missing, and no others. It holds no
	// lock and no transaction while it waits for its caller.
	Range(ctx context.Context, q RangeQuery) iter.Seq2[Row, error]
	// Buckets yields summaries of a number, by record and then by time.
	Buckets(ctx context.Context, q BucketQuery) iter.Seq2[Bucket, error]
	// Stats describes the whole history.
	Stats(ctx context.Context) (Stats, error)
	// Position returns the point that a query which begins now would see.
	Position(ctx context.Context) (Snapshot, error)
}

// Pruner is a history that can be pruned.
type Pruner interface {
	// TrustedTime returns the latest time, in Unix milliseconds, that a sweep knew
	// to have come: Now of its plan, or Trusted if a record was held. It is 0
	// before the first sweep.
	TrustedTime(ctx context.Context) (int64, error)
	// Records returns the names of the records that have rows, sorted.
	Records(ctx context.Context) ([]string, error)
	// Prune deletes what a plan does not keep, while reads and writes go on. What
	// is deleted stays deleted if it is interrupted.
	Prune(ctx context.Context, plan PrunePlan) (PruneReport, error)
	// Preview reports what Prune would delete.
	Preview(ctx context.Context, plan PrunePlan) (PruneReport, error)
}
