// Package history is the vocabulary of stored values: rows, queries, buckets,
// positions, statistics and retention, and the interfaces that every store of a
// history implements.
//
// Times are Unix milliseconds and sizes are bytes. The ends of a [Window] are
// both included. Rows of a [RangeQuery] are ordered by time and then by ID; rows
// of a [LatestQuery] by record and then newest first. A query that can never be
// answered because of what it asks fails with a [QueryError].
//
// Package historytest is the conformance suite of a store.
package history
