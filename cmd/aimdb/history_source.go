package main

import (
	"context"
	"fmt"
	"iter"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/counted"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// source is a history: a file, tables in PostgreSQL, or the history of a running database.
type source interface {
	Stats(ctx context.Context) (history.Stats, error)
	Latest(ctx context.Context, q history.LatestQuery) iter.Seq2[history.Row, error]
	Range(ctx context.Context, q history.RangeQuery) iter.Seq2[history.Row, error]
	Page(ctx context.Context, q history.PageQuery) (history.Page, error)
	Buckets(ctx context.Context, q history.BucketQuery) iter.Seq2[history.Bucket, error]
}

// asking opens the history in a file, in PostgreSQL or of the database at an endpoint for
// reading.
func asking(cmd *cobra.Command, target string, show *credentials, do func(source) error) error {
	if isPostgres(target) {
		return inPostgres(cmd, target, func(s *postgres.Store) error { return do(inTables{s}) })
	}
	if !isEndpoint(target) {
		return reading(cmd, target, func(s *sqlite.Store) error { return do(local{s}) })
	}
	return connected(cmd.Context(), target, show, func(client *aimx.Client) error {
		r := &remote{client: client}
		err := do(r)
		leftOut(cmd, r.leftOut)
		if r.private > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s %s absent (not registered with Remote)\n", counted.Of(r.private, "private record"), counted.Verb(r.private, "is", "are"))
		}
		return err
	})
}

// local is the history in a file.
type local struct{ *sqlite.Store }

// Page implements source.
func (l local) Page(ctx context.Context, q history.PageQuery) (history.Page, error) {
	return history.ReadPage(ctx, l.Store, q)
}

// Buckets implements source.
func (l local) Buckets(ctx context.Context, q history.BucketQuery) iter.Seq2[history.Bucket, error] {
	return history.BucketsOfOneShape(ctx, l.Store, q)
}

// inTables is a history in PostgreSQL.
type inTables struct{ *postgres.Store }

// Page implements source.
func (p inTables) Page(ctx context.Context, q history.PageQuery) (history.Page, error) {
	return history.ReadPage(ctx, p.Store, q)
}

// Buckets implements source.
func (p inTables) Buckets(ctx context.Context, q history.BucketQuery) iter.Seq2[history.Bucket, error] {
	return history.BucketsOfOneShape(ctx, p.Store, q)
}
