package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aimdb-go/aimdb/history"
)

// TrustedTime implements history.Pruner.
func (s *Store) TrustedTime(ctx context.Context) (trusted int64, err error) {
	err = s.read(ctx, "read the time of the last sweep", "SELECT value::bigint FROM aimdb_meta WHERE key = 'trusted_time'", nil, []any{&trusted}, func() {})
	return trusted, err
}

// Prune implements history.Pruner. It drops the partitions of which all rows go, and
// deletes other rows in steps, between which writes go on. When it is interrupted, the
// next sweep continues from there.
func (s *Store) Prune(ctx context.Context, plan history.PrunePlan) (report history.PruneReport, err error) {
	called := time.Now()
	err = s.withSweep(ctx, func(w *sweep) error {
		defer w.fill(&report)
		lastID := int64(0)
		if err := each(ctx, w.conn, "SELECT next_id - 1 FROM aimdb_checkpoint", nil, []any{&lastID}, func() {}); err != nil {
			return s.explained("begin a sweep", err)
		}
		waited, began := time.Since(called), time.Now() // rows that were stored meanwhile are no older
		defer func() { report.DeletingMS = time.Since(began).Milliseconds() }()
		cut, err := w.cutoffs(ctx, plan, &report)
		if err != nil {
			return err
		}
		if err := w.remove(ctx, cut, plan.Now); err != nil {
			return err
		}
		if err := w.pruneWhole(ctx, plan, &report); err != nil {
			return err
		}
		return w.note(ctx, plan, lastID, waited, len(report.Held) > 0)
	})
	return report, err
}

// remove deletes what cutoffs select.
func (w *sweep) remove(ctx context.Context, cut map[string]cutoff, now int64) error {
	if err := w.dropPartitions(ctx, cut, now); err != nil {
		return err
	}
	return w.deleteRows(ctx, cut)
}

// locked reports whether an error says that a lock was not to be had.
func locked(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "55P03" || pg.Code == "40P01")
}
