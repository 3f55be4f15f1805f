package history

import (
	"context"
	"iter"
)

// ShapedReader is a history of which the program that knows the shapes is not asked.
type ShapedReader interface {
	Reader
	Shaped
	Records(ctx context.Context) ([]string, error)
}

// BucketsOfOneShape is Buckets of a history that nobody upgrades: a file that is read while
// its program does not run, for example. A path may lead elsewhere in another shape, so a
// record whose rows have several is refused with a QueryError.
func BucketsOfOneShape(ctx context.Context, r ShapedReader, q BucketQuery) iter.Seq2[Bucket, error] {
	return func(yield func(Bucket, error) bool) {
		if err := checkOneShape(ctx, r, q); err != nil {
			yield(Bucket{}, err)
			return
		}
		for b, err := range r.Buckets(ctx, q) {
			if !yield(b, err) {
				return
			}
		}
	}
}

func checkOneShape(ctx context.Context, r ShapedReader, q BucketQuery) error {
	names, err := r.Records(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !q.Pattern.Match(name) {
			continue
		}
		shapes, err := r.Shapes(ctx, name)
		if err != nil {
			return err
		}
		if len(shapes) > 1 {
			return refuse("the rows of %s have shapes of the versions %v, and a path may lead elsewhere in each; ask the running program of the record, which upgrades them, or have it rewrite them with 'aimdb history migrate'", name, shapes)
		}
	}
	return nil
}
