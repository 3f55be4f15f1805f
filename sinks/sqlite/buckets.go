package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// Buckets yields the summaries of the buckets that have rows, by record name
// and then by time. It reads every row of the window, page by page.
func (s *Store) Buckets(ctx context.Context, q history.BucketQuery) iter.Seq2[history.Bucket, error] {
	return func(yield func(history.Bucket, error) bool) {
		path, err := checkBuckets(q)
		if err != nil {
			yield(history.Bucket{}, err)
			return
		}
		names, err := s.matching(ctx, q.Pattern)
		if err != nil {
			yield(history.Bucket{}, err)
			return
		}
		for _, name := range names {
			if !s.recordBuckets(ctx, name, path, q, yield) {
				return
			}
		}
	}
}

func checkBuckets(q history.BucketQuery) (numberPath, error) {
	if q.Width < time.Millisecond || q.Width%time.Millisecond != 0 {
		return nil, &history.QueryError{Reason: fmt.Sprintf("the width of the buckets is %v and must be a whole number of milliseconds, at least 1", q.Width)}
	}
	if err := checkScope(q.Pattern, q.Window); err != nil {
		return nil, err
	}
	return newNumberPath(q.Path)
}

// samplesText reads a page of the rows of one record.
const samplesText = `SELECT stored_at, id, value_json FROM record_history
	WHERE record_name = ?1 AND stored_at BETWEEN ?2 AND ?4 AND (stored_at > ?2 OR id > ?3)
	ORDER BY stored_at, id LIMIT ?5`

// samplesPage is the number of rows of one read transaction.
const samplesPage = 4096

func (s *Store) samples(ctx context.Context, record string, path numberPath, after point, until int64) ([]sample, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, samplesText, record, after.time, after.id, until, samplesPage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	page := make([]sample, 0, samplesPage)
	var value sql.RawBytes
	for rows.Next() {
		var one sample
		if err := rows.Scan(&one.time, &one.id, &value); err != nil {
			return nil, err
		}
		one.number, one.kind = path.number(value)
		page = append(page, one)
	}
	return page, rows.Err()
}

// recordBuckets yields the buckets of one record, and says whether more are
// wanted.
func (s *Store) recordBuckets(ctx context.Context, record string, path numberPath, q history.BucketQuery, yield func(history.Bucket, error) bool) bool {
	start, end := bounds(q.Window)
	after := point{start, math.MinInt64}
	var b *history.Bucket
	for {
		page, err := s.samples(ctx, record, path, after, end)
		if err != nil {
			yield(history.Bucket{}, s.readError("summarize "+record, err))
			return false
		}
		for _, one := range page {
			first := floor(one.time, q.Width.Milliseconds())
			if b != nil && b.Start != first {
				if !yield(*b, nil) {
					return false
				}
				b = nil
			}
			if b == nil {
				b = &history.Bucket{Record: record, Start: first}
			}
			addSample(b, one)
			after = one.point
		}
		if len(page) < samplesPage {
			return b == nil || yield(*b, nil)
		}
	}
}

// floor returns the multiple of a width at or below a time, also before 1970.
func floor(ms, width int64) int64 {
	over := ms % width
	if over < 0 {
		over += width
	}
	if ms < math.MinInt64+over {
		return math.MinInt64
	}
	return ms - over
}

func addSample(b *history.Bucket, one sample) {
	v := one.number
	switch {
	case one.kind == missing:
		b.Missing++
		return
	case one.kind == notNumeric || math.IsInf(b.Sum+v, 0):
		b.NotNumeric++
		return
	}
	if b.Count == 0 {
		b.Min, b.Max, b.First = v, v, v
	}
	b.Count++
	b.Min, b.Max, b.Last = min(b.Min, v), max(b.Max, v), v
	b.Sum += v
	b.Mean = b.Sum / float64(b.Count)
}
