package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
)

// remote is the history of a running database.
type remote struct {
	client *aimx.Client
	// leftOut counts the rows that the server could not send.
	leftOut int
	// private counts the records that the server does not show.
	private int
}

// Stats implements source.
func (r *remote) Stats(ctx context.Context) (history.Stats, error) {
	stats, err := r.client.HistoryStats(ctx)
	r.private = stats.PrivateRecords
	return stats.Stats, notOffered(err)
}

// Latest implements source. Servers of upstream answer this query too. They sort
// the rows by time; Latest sorts them like a file does.
func (r *remote) Latest(ctx context.Context, q history.LatestQuery) iter.Seq2[history.Row, error] {
	rows, err := r.client.Query(ctx, q.Pattern.String(), q.Limit, q.Window)
	if err != nil {
		return failed[history.Row](err)
	}
	slices.Reverse(rows)
	slices.SortStableFunc(rows, func(a, b history.Row) int { return cmp.Compare(a.Record, b.Record) })
	return each(rows)
}

// Range implements source, page by page.
func (r *remote) Range(ctx context.Context, q history.RangeQuery) iter.Seq2[history.Row, error] {
	return r.rows(ctx, history.PageQuery{RangeQuery: q})
}

// rows yields the rows of all pages.
func (r *remote) rows(ctx context.Context, q history.PageQuery) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		for page, err := range r.pages(ctx, q) {
			if err != nil {
				yield(history.Row{}, err)
				return
			}
			for _, row := range page.Rows {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// Page implements source. A page may consist of several pages of the server.
func (r *remote) Page(ctx context.Context, q history.PageQuery) (all history.Page, err error) {
	for page, err := range r.pages(ctx, q) {
		if err != nil {
			return all, err
		}
		page.Rows = append(all.Rows, page.Rows...)
		all = page.Page
	}
	return all, nil
}

func (r *remote) pages(ctx context.Context, q history.PageQuery) iter.Seq2[aimx.Page, error] {
	return func(yield func(aimx.Page, error) bool) {
		for page, err := range r.client.HistoryPages(ctx, q) {
			r.leftOut += page.LeftOut
			if !yield(page, notOffered(err)) {
				return
			}
		}
	}
}

// Buckets implements source.
func (r *remote) Buckets(ctx context.Context, q history.BucketQuery) iter.Seq2[history.Bucket, error] {
	buckets, err := r.client.HistoryBuckets(ctx, q)
	if err != nil {
		return failed[history.Bucket](notOffered(err))
	}
	return each(buckets)
}

// notOffered explains the refusal of an upstream server, which does not know the
// method.
func notOffered(err error) error {
	var no *aimx.Refusal
	if !errors.As(err, &no) || no.Code != aimx.CodeNotFound || no.Reason != "" {
		return err
	}
	return fmt.Errorf("%s at %s: %s: this is an extension of AimX, which servers of upstream AimDB do not have; use history query --latest, or give the path of the history file", no.Operation, no.Endpoint, no.Code)
}

// failed yields only an error.
func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}
