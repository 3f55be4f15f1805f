package sqlite

import (
	"context"
	"iter"
	"strconv"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// Stats implements history.Reader. It reads all rows once if other programs have
// added many; otherwise it does not wait for a sweep.
func (s *Store) Stats(ctx context.Context) (st history.Stats, err error) {
	if trouble := s.watch.trouble.Load(); trouble != nil {
		return st, *trouble
	}
	counted, err := s.counted(ctx)
	if err != nil {
		return st, err
	}
	p, err := s.pages(ctx)
	if err != nil {
		return st, err
	}
	st = history.Stats{Identity: s.Identity(), Bytes: p.bytes(), Records: []history.RecordStats{}}
	if s.own {
		if err := s.noteStats(ctx, &st); err != nil {
			return st, err
		}
	}
	names, err := s.Records(ctx)
	if err != nil {
		return st, err
	}
	kept, err := s.counts(ctx, counted)
	if err != nil {
		return st, err
	}
	for _, name := range names {
		r, err := s.recordStats(ctx, name, kept[name])
		if err != nil {
			return st, s.readError("read the statistics of "+name, err)
		}
		if r.Rows > 0 {
			st.Records = append(st.Records, r)
			st.Rows += r.Rows
		}
	}
	return st, nil
}

// counted reports whether all rows are counted. If not and the store can write, it
// counts them, which may wait for a sweep.
func (s *Store) counted(ctx context.Context) (bool, error) {
	done, err := s.isCounted(ctx)
	if done || err != nil || s.write == nil {
		return done, err
	}
	release, err := s.holdSweep(ctx)
	if err != nil {
		return false, err
	}
	release()
	return s.isCounted(ctx)
}

// noteStats reads what aimdb_meta, the ledger and the dead letters have.
func (s *Store) noteStats(ctx context.Context, st *history.Stats) (err error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	if st.LastPrune, err = metaInt(ctx, s.readers, "last_prune"); err != nil {
		return s.readError("read the time of the last sweep", err)
	}
	err = s.readers.QueryRowContext(ctx, "SELECT (SELECT coalesce(sum(count), 0) FROM aimdb_loss WHERE cause NOT IN ('log_discarded', 'log_truncated', 'log_damaged') OR record_name = ''), (SELECT count(*) FROM aimdb_dead_letter)").Scan(&st.Lost, &st.DeadLetters)
	return s.readError("read the number of losses", err)
}

// counts returns the counts of the records if they are complete, and counts all
// rows if not.
func (s *Store) counts(ctx context.Context, counted bool) (counts rowCounts, err error) {
	if counted {
		counts, _, err = s.readCounts(ctx)
		return counts, err
	}
	to, err := s.maxID(ctx)
	if err != nil {
		return nil, err
	}
	counts, _, err = s.countAll(ctx, to)
	return counts, err
}

func (s *Store) recordStats(ctx context.Context, name string, c rowCount) (r history.RecordStats, err error) {
	r.Record, r.Rows, r.Bytes = name, c.rows, c.bytes
	ctx, cancel := s.reading(ctx)
	defer cancel()
	err = s.readers.QueryRowContext(ctx, `SELECT
		coalesce((SELECT stored_at FROM record_history WHERE record_name = ?1 ORDER BY stored_at LIMIT 1), 0),
		coalesce((SELECT stored_at FROM record_history WHERE record_name = ?1 ORDER BY stored_at DESC LIMIT 1), 0)`, name).Scan(&r.FirstTime, &r.LastTime)
	return r, err
}

// Losses yields the ledger of losses, oldest first.
func (s *Store) Losses(ctx context.Context) iter.Seq2[loss.Loss, error] {
	return notes(ctx, s, "read the ledger of losses", s.lossesAfter)
}

// notes yields the rows of one of our own tables, page by page. A page begins after
// an ID and returns its last one.
func notes[T any](ctx context.Context, s *Store, doing string, page func(ctx context.Context, after int64) ([]T, int64, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for after := int64(0); s.own; {
			some, last, err := page(ctx, after)
			if err != nil {
				var none T
				yield(none, s.readError(doing, err))
				return
			}
			for _, one := range some {
				if !yield(one, nil) {
					return
				}
			}
			if len(some) == 0 {
				return
			}
			after = last
		}
	}
}

func (s *Store) lossesAfter(ctx context.Context, after int64) (losses []loss.Loss, last int64, err error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, "SELECT id, record_name, cause, count, from_seq, to_seq, first_time, last_time FROM aimdb_loss WHERE id > ? ORDER BY id LIMIT 1000", after)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var l loss.Loss
		if err := rows.Scan(&last, &l.Record, &l.Cause, &l.Count, &l.From, &l.To, &l.FirstTime, &l.LastTime); err != nil {
			return nil, 0, err
		}
		losses = append(losses, l)
	}
	return losses, last, rows.Err()
}
