package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// Records implements history.Pruner.
func (s *Store) Records(ctx context.Context) ([]string, error) {
	return s.matching(ctx, key.WirePattern("#"))
}

// Prune implements history.Pruner. It deletes in steps, between which writes go
// on, and gives the space back. When it is interrupted, the next sweep continues
// from there.
func (s *Store) Prune(ctx context.Context, plan history.PrunePlan) (report history.PruneReport, err error) {
	called := time.Now()
	if s.write == nil {
		return report, fmt.Errorf("prune %s: %w", s.path, ErrReadOnly)
	}
	release, err := s.holdSweep(ctx)
	if err != nil {
		return report, err
	}
	defer release()
	end, err := s.beginCheckpoints(ctx)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, end()) }()
	lastRow, err := s.maxID(ctx)
	if err != nil {
		return report, err
	}
	waited := time.Since(called) // rows that were stored meanwhile are no older
	began, total := time.Now(), rowCounts{}
	defer func() { fillReport(&report, total) }()
	if err := s.pruneLimits(ctx, plan, total, &report); err != nil {
		return report, err
	}
	if err := s.pruneFile(ctx, plan, total, &report); err != nil {
		return report, err
	}
	report.DeletingMS = time.Since(began).Milliseconds()
	if report.FreedBytes, err = s.shrink(ctx); err != nil {
		return report, err
	}
	report.ShrinkingMS = time.Since(began).Milliseconds() - report.DeletingMS
	return report, s.ask(ctx, s.background, func(ctx context.Context, w *writer) error {
		return s.writeError("note the sweep", inTransaction(ctx, w.conn, func() error {
			return w.noteSweep(ctx, plan, lastRow, waited, len(report.Held) > 0)
		}))
	})
}

// noteSweep notes when a sweep ended, which time it trusted, and that all rows up
// to an ID were stored by then. One such mark a minute is enough. Marks before all
// limits of age are dropped, except the last one.
func (w *writer) noteSweep(ctx context.Context, plan history.PrunePlan, lastID int64, waited time.Duration, held bool) error {
	if err := setMeta(ctx, w.conn, "last_prune", time.Now().UnixMilli()); err != nil || plan.Now == 0 {
		return err
	}
	trusted, err := metaInt(ctx, w.conn, "trusted_time")
	if err != nil {
		return err
	}
	if held {
		trusted = max(plan.Trusted, trusted)
	} else {
		trusted = max(plan.Now, trusted)
	}
	oldest := int64(math.MaxInt64)
	for _, k := range plan.Keep {
		if k.Before != 0 {
			oldest = min(oldest, k.Before)
		}
	}
	if err := setMeta(ctx, w.conn, "trusted_time", trusted); err != nil {
		return err
	}
	for _, step := range []struct {
		text string
		args []any
	}{
		{`INSERT INTO aimdb_sweep(last_id, at) SELECT ?1, ?2 WHERE ?1 > 0 AND NOT EXISTS (SELECT 1 FROM aimdb_sweep WHERE at BETWEEN ?2 - 60000 AND ?2)
			ON CONFLICT(last_id) DO UPDATE SET at = min(at, excluded.at)`, []any{lastID, plan.Now + waited.Milliseconds()}},
		{"DELETE FROM aimdb_sweep WHERE last_id < (SELECT max(last_id) FROM aimdb_sweep WHERE at < ?)", []any{oldest}},
	} {
		if _, err := w.exec(ctx, step.text, step.args...); err != nil {
			return err
		}
	}
	return nil
}

// TrustedTime implements history.Pruner. Files of older versions have the time of
// the last sweep.
func (s *Store) TrustedTime(ctx context.Context) (int64, error) {
	if !s.own {
		return 0, nil
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	trusted, err := metaInt(ctx, s.readers, "trusted_time")
	if err == nil && trusted == 0 {
		trusted, err = metaInt(ctx, s.readers, "last_prune")
	}
	return trusted, s.readError("read the time of the last sweep", err)
}

// holdSweep waits until no other goroutine deletes or counts, and then counts the
// rows that are not counted yet.
func (s *Store) holdSweep(ctx context.Context) (release func(), err error) {
	release, err = s.takeSweep(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.recount(ctx); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// takeSweep waits until no other goroutine deletes or counts.
func (s *Store) takeSweep(ctx context.Context) (release func(), err error) {
	select {
	case s.sweep <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another sweep of %s: %w", s.path, context.Cause(ctx))
	}
	s.sweepGeneration = s.watch.generation.Load()
	return func() { <-s.sweep }, nil
}

// pruneLimits applies the limits of the records. Where the rows that go are close
// together, it deletes in the order of the table; the rest it finds by the index.
func (s *Store) pruneLimits(ctx context.Context, plan history.PrunePlan, total rowCounts, report *history.PruneReport) error {
	cut, err := s.cutoffs(ctx, plan, report)
	if err != nil {
		return err
	}
	from, to, err := s.expired(ctx, cut)
	if err != nil {
		return err
	}
	size := newStepSize(2048, 512, 1<<15)
	if err := s.deleteDense(ctx, s.byID(ctx, from, to, size, cut.selects), size, total); err != nil {
		return err
	}
	for _, record := range slices.Sorted(maps.Keys(cut)) {
		for _, seq := range []iter.Seq2[*pruneBatch, error]{s.byRecord(ctx, record, cut[record], size), s.byStoring(ctx, record, cut[record], size)} {
			if err := s.deleteAll(ctx, seq, size, total); err != nil {
				return err
			}
		}
	}
	return nil
}

// expired returns the span of IDs that has most of the rows that go. It begins
// with the oldest row: if that one were left out, it would outlive younger ones
// when the sweep is interrupted.
func (s *Store) expired(ctx context.Context, cut cutoffs) (from, to int64, err error) {
	from, to = math.MaxInt64, 0
	for record, c := range cut {
		if c.id > 0 {
			from, to = 1, max(to, c.id-1)
		}
		if c.stored != nil && len(c.stored.gone) > 0 {
			from, to = min(from, c.stored.gone[0].first), max(to, c.stored.gone[len(c.stored.gone)-1].last)
		}
		for _, order := range []string{"stored_at, id", "stored_at DESC, id DESC"} {
			id, err := s.firstBefore(ctx, record, order, c.before)
			if err != nil {
				return 0, 0, s.readError("find what to prune of "+record, err)
			}
			if id > 0 {
				from, to = min(from, id), max(to, id)
			}
		}
	}
	return min(from, to+1), to, nil
}

func (s *Store) firstBefore(ctx context.Context, record, order string, ms int64) (id int64, err error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	err = s.readers.QueryRowContext(ctx, `SELECT coalesce((SELECT id FROM record_history
		WHERE record_name = ? AND stored_at < ? ORDER BY `+order+` LIMIT 1), 0)`, record, ms).Scan(&id)
	return id, err
}

// deleteDense deletes until too few of the rows that it reads go.
func (s *Store) deleteDense(ctx context.Context, seq iter.Seq2[*pruneBatch, error], size *stepSize, total rowCounts) error {
	sparse := 0
	for b, err := range ahead(seq) {
		if err != nil {
			return err
		}
		if err := s.delete(ctx, b, size, total); err != nil {
			return err
		}
		if len(b.ids)*8 < b.seen {
			sparse++
		} else {
			sparse = 0
		}
		if sparse == 8 {
			return nil
		}
	}
	return nil
}

func (s *Store) deleteAll(ctx context.Context, seq iter.Seq2[*pruneBatch, error], size *stepSize, total rowCounts) error {
	for b, err := range ahead(seq) {
		if err == nil {
			err = s.delete(ctx, b, size, total)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// delete has the writer delete rows in one transaction.
func (s *Store) delete(ctx context.Context, b *pruneBatch, size *stepSize, total rowCounts) error {
	if len(b.ids) == 0 {
		return ctx.Err()
	}
	var gone rowCounts
	err := s.sweepStep(ctx, size, len(b.ids), func(ctx context.Context, w *writer) (err error) {
		if err := s.checkGeneration(s.sweepGeneration); err != nil {
			return err
		}
		gone, err = w.delete(ctx, b)
		if wrongIndex(err) {
			s.options.logger.Error("the index of the history does not belong to its rows, so one of them is damaged; it is made again; run 'aimdb verify' to find the rows",
				"file", s.path, "error", err)
			if err = w.makeIndex(ctx); err == nil {
				gone, err = w.delete(ctx, b)
			}
		}
		return s.writeError(fmt.Sprintf("prune %d rows", len(b.ids)), err)
	})
	if err != nil {
		return err
	}
	for record, c := range gone {
		total.add(record, c.rows, c.bytes)
	}
	return nil
}

func fillReport(report *history.PruneReport, total rowCounts) {
	report.Records = []history.PrunedRecord{}
	for _, record := range total.records() {
		c := total[record]
		report.Records = append(report.Records, history.PrunedRecord{Record: record, Rows: c.rows, Bytes: c.bytes})
		report.Rows += c.rows
		report.Bytes += c.bytes
	}
}
