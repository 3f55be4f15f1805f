package memory

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/aimdb-go/aimdb/history"
)

// Buckets implements history.Reader.
func (s *Sink) Buckets(ctx context.Context, q history.BucketQuery) iter.Seq2[history.Bucket, error] {
	return func(yield func(history.Bucket, error) bool) {
		path, err := history.ParsePath(q.Path)
		if err = cmp.Or(q.Validate(), err, ctx.Err()); err != nil {
			yield(history.Bucket{}, err)
			return
		}
		for _, r := range s.records(func(row stored) bool { return q.Pattern.Match(row.Record) && q.Window.Contains(row.Time) }) {
			slices.SortFunc(r.rows, byTime)
			samples := func(yield func(history.Sample, error) bool) {
				for _, row := range r.rows {
					if !yield(path.Sample(row.Time, row.Value), nil) {
						return
					}
				}
			}
			for b, err := range history.Summarize(r.name, q.Width, samples) {
				if !yield(b, err) {
					return
				}
			}
		}
	}
}
