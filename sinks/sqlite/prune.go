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

// Records returns the names of all records that have rows, sorted, also of those
// that only others have written.
func (s *Store) Records(ctx context.Context) ([]string, error) {
	return s.matching(ctx, key.WirePattern("#"))
}

// Prune deletes what a plan does not keep, in pieces between which writes go
// on, and gives the space back. What is done stays done when it is interrupted;
// the next sweep goes on from there.
func (s *Store) Prune(ctx context.Context, plan history.PrunePlan) (report history.PruneReport, err error) {
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
	began, total := time.Now(), rowCounts{}
	defer func() { fillReport(&report, total) }()
	if err := s.pruneLimits(ctx, plan, total); err != nil {
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
		return s.writeError("note the sweep", setMeta(ctx, w.conn, "last_prune", s.now()))
	})
}

// holdSweep waits until nobody else deletes or counts, and has all rows counted.
func (s *Store) holdSweep(ctx context.Context) (release func(), err error) {
	select {
	case s.sweep <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another sweep of %s: %w", s.path, context.Cause(ctx))
	}
	s.sweepEra = s.watch.era.Load()
	release = func() { <-s.sweep }
	if err := s.recount(ctx); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// pruneLimits applies the limits of the records. Where the rows that go lie
// close together it deletes in the order of the table; what that leaves over
// it finds by the index.
func (s *Store) pruneLimits(ctx context.Context, plan history.PrunePlan, total rowCounts) error {
	cut, err := s.cutoffs(ctx, plan)
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
		if err := s.deleteAll(ctx, s.byRecord(ctx, record, cut[record], size), size, total); err != nil {
			return err
		}
	}
	return nil
}

// expired returns the span of IDs that most of what goes lies in. It begins with
// the oldest row: one left out, of the same millisecond perhaps, would outlive
// younger ones when the sweep is cut off.
func (s *Store) expired(ctx context.Context, cut cutoffs) (from, to int64, err error) {
	from, to = math.MaxInt64, 0
	for record, c := range cut {
		if c.id > 0 {
			from, to = 1, max(to, c.id-1)
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

// deleteDense deletes until too few of the rows that it looks at go.
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
		if err := s.still(s.sweepEra); err != nil {
			return err
		}
		gone, err = w.delete(ctx, b)
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
