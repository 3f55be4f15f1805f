package postgres

import (
	"context"
	"iter"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// Buckets implements history.Reader. It reads every row of the window, page by page, and
// looks for numbers as all stores do. The functions of PostgreSQL follow other rules.
func (s *Store) Buckets(ctx context.Context, q history.BucketQuery) iter.Seq2[history.Bucket, error] {
	return func(yield func(history.Bucket, error) bool) {
		if err := q.Validate(); err != nil {
			yield(history.Bucket{}, err)
			return
		}
		path, err := history.ParsePath(q.Path)
		if err != nil {
			yield(history.Bucket{}, err)
			return
		}
		sc, err := s.scope(ctx, q.Pattern)
		if err != nil {
			yield(history.Bucket{}, err)
			return
		}
		for _, name := range sc.names {
			rows := s.newRecordReader(name, q.Window, false, sc.maxID, math.MaxInt)
			rows.page = min(firstPage, sc.budget)
			for b, err := range history.Summarize(name, q.Width, rows.samples(ctx, path)) {
				if !yield(b, err) || err != nil {
					return
				}
			}
		}
	}
}

// samples yields what the rows have at a path.
func (r *recordReader) samples(ctx context.Context, path history.Path) iter.Seq2[history.Sample, error] {
	return func(yield func(history.Sample, error) bool) {
		var page []history.Row
		for {
			var err error
			if page, err = r.next(ctx, page[:0]); err != nil {
				yield(history.Sample{}, err)
				return
			}
			for _, row := range page {
				if !yield(path.Sample(row.Time, row.Value), nil) {
					return
				}
			}
			if len(page) == 0 {
				return
			}
		}
	}
}
