package aimdb

import (
	"context"
	"fmt"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// Page is one page of a long answer.
type Page[T any] struct {
	Rows []Row[T] `json:"rows"`
	// Next is the cursor of the following page, empty after the last.
	Next string `json:"next"`
}

// PageQuery asks for one page of the values of a span of time.
type PageQuery struct {
	// Pattern selects the records.
	Pattern string
	// Start and End bound the write times, both included; zero is open.
	Start, End time.Time
	// Descending begins with the newest.
	Descending bool
	// PerRecord limits the rows of each record over all pages, 0 does not.
	PerRecord int
	// Limit is the number of rows on a page, 1000 if it is 0.
	Limit int
	// Cursor is Next of the previous page. The rest of the query must be the
	// same, apart from Limit.
	Cursor string
}

// QueryPage returns one page of a range. A cursor stays good while rows are added
// and pruned; one of another database or another query is [ErrBadCursor]. Rows that
// do not decode as T are left out, logged and counted.
func QueryPage[T any](ctx context.Context, db *DB, q PageQuery) (Page[T], error) {
	p, err := db.checkQuery(q.Pattern)
	if err != nil {
		return Page[T]{}, err
	}
	w, err := window(q.Start, q.End)
	if err != nil {
		return Page[T]{}, fmt.Errorf("aimdb: page of %q: %w", q.Pattern, err)
	}
	page, err := history.ReadPage(ctx, db.history(), history.PageQuery{
		RangeQuery: history.RangeQuery{Pattern: p, Window: w, Descending: q.Descending, PerRecord: q.PerRecord, Total: q.Limit},
		Cursor:     q.Cursor,
	})
	if err != nil {
		return Page[T]{}, fmt.Errorf("aimdb: page of %q: %w", q.Pattern, err)
	}
	decoded, err := collect[T](db, func(yield func(history.Row, error) bool) {
		for _, row := range page.Rows {
			if !yield(row, nil) {
				return
			}
		}
	})
	return Page[T]{Rows: decoded, Next: page.Next}, err
}

// Bucket is the summary of a number over one span of time.
type Bucket = history.Bucket

// QueryBuckets summarizes the number at a path of the JSON of the values, such
// as "error_celsius", over spans of one width, by record and then by time. A
// zero start or end is open.
func QueryBuckets(ctx context.Context, db *DB, pattern, path string, width time.Duration, start, end time.Time) ([]Bucket, error) {
	p, err := db.checkQuery(pattern)
	if err != nil {
		return nil, err
	}
	w, err := window(start, end)
	if err != nil {
		return nil, fmt.Errorf("aimdb: buckets of %q in %q: %w", path, pattern, err)
	}
	var all []Bucket
	for bucket, err := range db.history().Buckets(ctx, history.BucketQuery{
		Pattern: p, Window: w, Width: width, Path: path,
	}) {
		if err != nil {
			return nil, fmt.Errorf("aimdb: buckets of %q in %q: %w", path, pattern, err)
		}
		all = append(all, bucket)
	}
	return all, nil
}
