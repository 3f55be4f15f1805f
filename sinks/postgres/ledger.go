package postgres

import (
	"context"
	"iter"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/loss"
)

// queueLoss adds a loss to the ledger.
func queueLoss(batch *pgx.Batch, l loss.Loss, now int64) {
	batch.Queue(`INSERT INTO aimdb_loss(record_name, cause, run, count, from_seq, to_seq, first_time, last_time, noted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		text(l.Record), text(string(l.Cause)), int64(l.Run), int64(l.Count), int64(l.From), int64(l.To), l.FirstTime, l.LastTime, now)
}

// text makes any bytes a text that PostgreSQL takes.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
}

// Losses yields the ledger of losses, oldest first.
func (s *Store) Losses(ctx context.Context) iter.Seq2[loss.Loss, error] {
	return notes(ctx, s, "read the ledger of losses", `SELECT id, record_name, cause, run, count, from_seq, to_seq, first_time, last_time
		FROM aimdb_loss WHERE id > $1 ORDER BY id LIMIT 1000`, func(row pgx.CollectableRow) (id int64, l loss.Loss, err error) {
		var run, count, from, to int64
		err = row.Scan(&id, &l.Record, &l.Cause, &run, &count, &from, &to, &l.FirstTime, &l.LastTime)
		l.Run, l.Count, l.From, l.To = uint64(run), uint64(count), uint64(from), uint64(to)
		return id, l, err
	})
}

// notes yields the rows of a table of notes, page by page, so that a slow caller holds no
// transaction open. The query begins after an ID, and scan returns the ID of a row.
func notes[T any](ctx context.Context, s *Store, doing, query string, scan func(pgx.CollectableRow) (int64, T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for after := int64(0); ; {
			page, err := notesAfter(ctx, s, query, &after, scan)
			if err != nil {
				var none T
				yield(none, s.explained(doing, err))
				return
			}
			for _, one := range page {
				if !yield(one, nil) {
					return
				}
			}
			if len(page) == 0 {
				return
			}
		}
	}
}

func notesAfter[T any](ctx context.Context, s *Store, query string, after *int64, scan func(pgx.CollectableRow) (int64, T, error)) ([]T, error) {
	db, err := s.db(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := db.Query(ctx, query, *after)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (one T, err error) {
		*after, one, err = scan(row)
		return one, err
	})
}
