package postgres

import (
	"context"

	"github.com/aimdb-go/aimdb/history"
)

const (
	// notesText reads what the ledger, the dead letters and aimdb_meta have. A loss that
	// is part of one that concerns no record alone is not counted twice.
	notesText = `SELECT
		(SELECT value FROM aimdb_meta WHERE key = 'identity'),
		EXISTS (SELECT FROM aimdb_meta WHERE key = 'recount'),
		coalesce((SELECT value::bigint FROM aimdb_meta WHERE key = 'last_prune'), 0),
		(SELECT coalesce(sum(count), 0)::bigint FROM aimdb_loss WHERE cause NOT IN ('log_discarded', 'log_truncated', 'log_damaged') OR record_name = ''),
		(SELECT count(*) FROM aimdb_dead_letter)`
	// countsText reads the counts and finds the first and the last time by the index.
	countsText = `SELECT r.record_name, r.rows, r.bytes, f.stored_at, l.stored_at FROM aimdb_record r
		CROSS JOIN LATERAL (SELECT stored_at FROM record_history WHERE record_name = r.record_name ORDER BY stored_at, id LIMIT 1) f
		CROSS JOIN LATERAL (SELECT stored_at FROM record_history WHERE record_name = r.record_name ORDER BY stored_at DESC, id DESC LIMIT 1) l
		WHERE r.rows > 0 ORDER BY r.record_name`
)

// Stats implements history.Reader. It reads all rows once if other programs have changed
// some, which waits for a sweep.
func (s *Store) Stats(ctx context.Context) (st history.Stats, err error) {
	var recount bool
	var lost int64
	if err := s.read(ctx, "read the statistics", notesText, nil, []any{&st.Identity, &recount, &st.LastPrune, &lost, &st.DeadLetters}, func() {}); err != nil {
		return st, err
	}
	if recount {
		if err := s.withSweep(ctx, func(*sweep) error { return nil }); err != nil { // which begins with that
			return st, err
		}
	}
	st.Lost, st.Records = uint64(lost), []history.RecordStats{}
	var r history.RecordStats
	err = s.read(ctx, "read the statistics", countsText, nil, []any{&r.Record, &r.Rows, &r.Bytes, &r.FirstTime, &r.LastTime}, func() {
		st.Records, st.Rows = append(st.Records, r), st.Rows+r.Rows
	})
	if err != nil {
		return st, err
	}
	pool, err := s.db(ctx)
	if err != nil {
		return st, err
	}
	size, err := readSize(ctx, pool)
	st.Bytes = size.rows + size.others
	return st, s.explained("read the size of the history", err)
}
