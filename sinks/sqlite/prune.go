package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// Records returns the names of all records that have rows, sorted, also of those
// that only others have written.
func (s *Store) Records(ctx context.Context) ([]string, error) {
	if err := s.refreshNames(ctx); err != nil {
		return nil, err
	}
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
	end, err := s.beginTakeover(ctx)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, end()) }()
	began, total := time.Now(), tally{}
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
	return report, s.ask(ctx, s.patient, func(ctx context.Context, w *writer) error {
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
	release = func() { <-s.sweep }
	if err := s.countRest(ctx); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// pruneLimits applies the limits of the records. Where the rows that go lie
// close together it deletes in the order of the table; what that leaves over
// it finds by the index.
func (s *Store) pruneLimits(ctx context.Context, plan history.PrunePlan, total tally) error {
	cut, err := s.cutoffs(ctx, plan.Keep)
	if err != nil {
		return err
	}
	from, to, err := s.expired(ctx, cut)
	if err != nil {
		return err
	}
	size := newPace(2048, 512, 1<<15)
	goes := func(record string, p point) bool {
		first, limited := cut[record]
		return limited && p.before(first)
	}
	if err := s.deleteDense(ctx, s.byID(ctx, from, to, size, goes), size, total); err != nil {
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
func (s *Store) expired(ctx context.Context, cut map[string]point) (from, to int64, err error) {
	from, to = math.MaxInt64, 0
	for record, p := range cut {
		for _, order := range []string{"stored_at, id", "stored_at DESC, id DESC"} {
			id, err := s.firstBefore(ctx, record, order, p.time)
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
func (s *Store) deleteDense(ctx context.Context, seq iter.Seq2[*doomed, error], size *pace, total tally) error {
	sparse := 0
	for d, err := range ahead(seq) {
		if err != nil {
			return err
		}
		if err := s.delete(ctx, d, size, total); err != nil {
			return err
		}
		if len(d.ids)*8 < d.seen {
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

func (s *Store) deleteAll(ctx context.Context, seq iter.Seq2[*doomed, error], size *pace, total tally) error {
	for d, err := range ahead(seq) {
		if err == nil {
			err = s.delete(ctx, d, size, total)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// delete has the writer delete rows in one transaction.
func (s *Store) delete(ctx context.Context, d *doomed, size *pace, total tally) error {
	if len(d.ids) == 0 {
		return ctx.Err()
	}
	var gone tally
	err := s.piece(ctx, size, len(d.ids), func(ctx context.Context, w *writer) (err error) {
		if err := s.gone(); err != nil {
			return err
		}
		gone, err = w.deleteCounted(ctx, d)
		return s.writeError(fmt.Sprintf("prune %d rows", len(d.ids)), err)
	})
	if err != nil {
		return err
	}
	for record, c := range gone {
		total.add(record, -c.rows, -c.bytes)
	}
	return nil
}

// longRun is the number of neighbours from which they are deleted by their
// ends; shorter runs are put together.
const longRun = 16

func (w *writer) deleteRows(ctx context.Context, d *doomed) (deleted int64, err error) {
	var loose []any
	ids := d.ids
	for _, length := range d.runs {
		run := ids[:length]
		ids = ids[length:]
		if length < longRun {
			for _, id := range run {
				loose = append(loose, id)
			}
			continue
		}
		n, err := w.affected(ctx, "DELETE FROM record_history WHERE id BETWEEN ? AND ?", run[0], run[length-1])
		if err != nil {
			return deleted, err
		}
		deleted += n
	}
	for _, size := range chunks {
		text := "DELETE FROM record_history WHERE id IN (?" + strings.Repeat(",?", size-1) + ")"
		for len(loose) >= size {
			n, err := w.affected(ctx, text, loose[:size]...)
			if err != nil {
				return deleted, err
			}
			deleted, loose = deleted+n, loose[size:]
		}
	}
	return deleted, nil
}

func (w *writer) affected(ctx context.Context, text string, args ...any) (int64, error) {
	result, err := w.exec(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func fillReport(report *history.PruneReport, total tally) {
	report.Records = []history.PrunedRecord{}
	for _, record := range slices.Sorted(maps.Keys(total)) {
		c := total[record]
		report.Records = append(report.Records, history.PrunedRecord{Record: record, Rows: c.rows, Bytes: c.bytes})
		report.Rows += c.rows
		report.Bytes += c.bytes
	}
}
