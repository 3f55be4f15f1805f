package sqlite

import (
	"context"
	"iter"

	"github.com/aimdb-go/aimdb/sinks"
)

// DeadLetters yields the values that were refused for good, oldest first. Of a
// very large one only the beginning was kept.
func (s *Store) DeadLetters(ctx context.Context) iter.Seq2[sinks.Refusal, error] {
	return notes(ctx, s, "read the dead letters", s.lettersAfter)
}

func (s *Store) lettersAfter(ctx context.Context, after int64) (letters []sinks.Refusal, last int64, err error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, "SELECT id, sequence, record_name, value_json, stored_at, reason FROM aimdb_dead_letter WHERE id > ? ORDER BY id LIMIT 16", after)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var r sinks.Refusal
		var value string
		if err := rows.Scan(&last, &r.Entry.Sequence, &r.Entry.Record, &value, &r.Entry.Time, &r.Reason); err != nil {
			return nil, 0, err
		}
		r.Entry.Value = []byte(value)
		letters = append(letters, r)
	}
	return letters, last, rows.Err()
}
