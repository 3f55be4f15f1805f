package memory

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
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
		for _, r := range s.records(func(row history.Row) bool { return q.Pattern.Match(row.Record) && q.Window.Contains(row.Time) }) {
			slices.SortFunc(r.rows, byTime)
			samples := func(yield func(history.Sample, error) bool) {
				for _, row := range r.rows {
					if !yield(sample(row, path), nil) {
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

// sample returns what a row has at a path.
func sample(row history.Row, path history.Path) history.Sample {
	var at any
	decoder := json.NewDecoder(bytes.NewReader(row.Value))
	decoder.UseNumber()
	if !json.Valid(row.Value) || decoder.Decode(&at) != nil {
		return history.Sample{Time: row.Time, Kind: history.NotNumeric}
	}
	for _, step := range path {
		switch in := at.(type) {
		case map[string]any:
			at = in[step.Name] // an index has no name, and no member is called so
		case []any:
			at = nil
			if step.Name == "" && step.Index < len(in) {
				at = in[step.Index]
			}
		default:
			at = nil
		}
	}
	number, _ := at.(json.Number)
	n, err := number.Float64()
	switch {
	case at == nil:
		return history.Sample{Time: row.Time, Kind: history.Missing}
	case err != nil:
		return history.Sample{Time: row.Time, Kind: history.NotNumeric}
	}
	return history.Sample{Time: row.Time, Number: n}
}
