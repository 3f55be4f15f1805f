package sqlite

import (
	"context"
	"database/sql"
	"iter"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// Buckets implements history.Reader. It reads every row of the window, page by
// page.
func (s *Store) Buckets(ctx context.Context, q history.BucketQuery) iter.Seq2[history.Bucket, error] {
	return func(yield func(history.Bucket, error) bool) {
		if err := q.Validate(); err != nil {
			yield(history.Bucket{}, err)
			return
		}
		names, err := s.matching(ctx, q.Pattern)
		if err != nil {
			yield(history.Bucket{}, err)
			return
		}
		for _, name := range names {
			for b, err := range history.Summarize(name, q.Width, s.samples(ctx, name, q)) {
				if !yield(b, err) || err != nil {
					return
				}
			}
		}
	}
}

// samplesText looks at the value only if it is JSON, so that a broken one is
// counted instead of ending the query.
const samplesText = `SELECT stored_at, id,
	CASE WHEN json_valid(value_json) THEN coalesce(json_type(value_json, ?6), 'null') ELSE 'broken' END,
	CASE WHEN json_valid(value_json) AND json_type(value_json, ?6) IN ('integer', 'real') THEN json_extract(value_json, ?6) END
	FROM record_history WHERE record_name = ?1 AND stored_at BETWEEN ?2 AND ?4 AND (stored_at > ?2 OR id > ?3)
	ORDER BY stored_at, id LIMIT ?5`

// samplesPage is the number of rows of one read transaction.
const samplesPage = 4096

// samples yields what the rows of a record have at the path of a query.
func (s *Store) samples(ctx context.Context, record string, q history.BucketQuery) iter.Seq2[history.Sample, error] {
	return func(yield func(history.Sample, error) bool) {
		path, err := history.ParsePath(q.Path)
		start, end := q.Window.Bounds()
		after := history.Point{Time: start, ID: math.MinInt64}
		page := make([]history.Sample, 0, samplesPage)
		for err == nil {
			page, err = s.samplePage(ctx, record, jsonPath(path), &after, end, page[:0])
			if err != nil {
				break
			}
			for _, one := range page {
				if !yield(one, nil) {
					return
				}
			}
			if len(page) < samplesPage {
				return
			}
		}
		yield(history.Sample{}, s.readError("summarize "+record, err))
	}
}

// samplePage reads the samples that follow a point, and moves the point.
func (s *Store) samplePage(ctx context.Context, record, path string, after *history.Point, until int64, page []history.Sample) ([]history.Sample, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, samplesText, record, after.Time, after.ID, until, samplesPage, path)
	if err != nil {
		return page, err
	}
	defer rows.Close()
	for rows.Next() {
		var kind string
		var number sql.NullFloat64
		if err := rows.Scan(&after.Time, &after.ID, &kind, &number); err != nil {
			return page, err
		}
		page = append(page, history.Sample{Time: after.Time, Kind: sampleKind(kind, number.Valid), Number: number.Float64})
	}
	return page, rows.Err()
}

// sampleKind translates a JSON type of SQLite.
func sampleKind(kind string, number bool) history.SampleKind {
	switch {
	case kind == "null":
		return history.Missing
	case number:
		return history.Numeric
	}
	return history.NotNumeric
}
