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
	return ofOneFile(s, func(yield func(history.Bucket, error) bool) {
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
	})
}

const samplesText = `SELECT stored_at, id, value_json FROM record_history
	WHERE record_name = ?1 AND stored_at BETWEEN ?2 AND ?4 AND (stored_at > ?2 OR id > ?3)
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
			page, err = s.samplePage(ctx, record, path, &after, end, page[:0])
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

// samplePage reads the samples that follow a point, and moves the point. It does
// not look for numbers with SQLite's functions: these take the first of several
// members of one name, accept invalid UTF-8 and read 1e999 as infinite.
func (s *Store) samplePage(ctx context.Context, record string, path history.Path, after *history.Point, until int64, page []history.Sample) ([]history.Sample, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, samplesText, record, after.Time, after.ID, until, samplesPage)
	if err != nil {
		return page, err
	}
	defer rows.Close()
	var value sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&after.Time, &after.ID, &value); err != nil {
			return page, err
		}
		page = append(page, path.Sample(after.Time, value))
	}
	return page, rows.Err()
}
