package sqlite

import (
	"context"
	"iter"

	"github.com/aimdb-go/aimdb/history"
)

// Holes yields the numbers that the log has not delivered and nothing has counted, oldest
// first.
func (s *Store) Holes(ctx context.Context) iter.Seq2[history.Hole, error] {
	if s.version < provenSince {
		return func(func(history.Hole, error) bool) {}
	}
	return notes(ctx, s, "read the holes", s.holesAfter)
}

func (s *Store) holesAfter(ctx context.Context, after int64) (holes []history.Hole, last int64, err error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, "SELECT id, record_name, run, from_number, to_number, time FROM aimdb_hole WHERE id > ? ORDER BY id LIMIT 1000", after)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var h history.Hole
		if err := rows.Scan(&last, &h.Record, &h.Run, &h.From, &h.To, &h.Time); err != nil {
			return nil, 0, err
		}
		holes = append(holes, h)
	}
	return holes, last, rows.Err()
}
