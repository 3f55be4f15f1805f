package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// Latest implements history.Reader.
func (s *Store) Latest(ctx context.Context, q history.LatestQuery) iter.Seq2[history.Row, error] {
	return ofOneFile(s, func(yield func(history.Row, error) bool) {
		if err := q.Validate(); err != nil {
			yield(history.Row{}, err)
			return
		}
		names, err := s.matching(ctx, q.Pattern)
		if err != nil {
			yield(history.Row{}, err)
			return
		}
		var page []history.Row
		for _, name := range names {
			one := s.yieldLatest
			if q.By == history.ByStoring {
				one = s.yieldStored
			}
			var more bool
			if page, more = one(ctx, name, q, page[:0], yield); !more {
				return
			}
		}
	})
}

// yieldLatest yields the newest rows of one record, and returns whether the caller
// wants more.
func (s *Store) yieldLatest(ctx context.Context, name string, q history.LatestQuery, page []history.Row, yield func(history.Row, error) bool) ([]history.Row, bool) {
	if q.Limit == 1 {
		row, found, err := s.newest(ctx, name, q.Window)
		if err != nil || found {
			return page, yield(row, err) && err == nil
		}
		return page, true
	}
	reader := s.newRecordReader(name, q.Window, true, math.MaxInt64, q.Limit)
	for {
		var err error
		if page, err = reader.next(ctx, page[:0]); err != nil {
			yield(history.Row{}, err)
			return page, false
		}
		if len(page) == 0 {
			return page, true
		}
		for _, row := range page {
			if !yield(row, nil) {
				return page, false
			}
		}
	}
}

func (s *Store) newest(ctx context.Context, name string, w history.Window) (history.Row, bool, error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	start, end := w.Bounds()
	row := history.Row{Record: name}
	var value string
	err := s.reads.newest.QueryRowContext(ctx, name, start, end).Scan(&row.ID, &value, &row.Time, &row.Shape)
	if errors.Is(err, sql.ErrNoRows) {
		return history.Row{}, false, nil
	}
	row.Value = []byte(value)
	return row, err == nil, s.readError("read the newest row of "+name, err)
}
