package sqlite

import (
	"context"

	"github.com/aimdb-go/aimdb/history"
)

// pages is how the file is made up.
type pages struct {
	size, count, free int64
}

func (p pages) used() int64  { return (p.count - p.free) * p.size }
func (p pages) bytes() int64 { return p.count * p.size }

func (s *Store) pages(ctx context.Context) (p pages, err error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	err = s.readers.QueryRowContext(ctx, "SELECT p.page_size, c.page_count, f.freelist_count FROM pragma_page_size p, pragma_page_count c, pragma_freelist_count f").Scan(&p.size, &p.count, &p.free)
	return p, s.readError("read the number of pages", err)
}

// pruneFile deletes the rows that were stored first until the used part of the
// file is within its limit.
func (s *Store) pruneFile(ctx context.Context, plan history.PrunePlan, total rowCounts, report *history.PruneReport) error {
	if plan.MaxBytes <= 0 {
		return nil
	}
	over, err := s.over(ctx, plan)
	if err != nil || over <= 0 {
		return err
	}
	to, err := s.maxID(ctx)
	if err != nil {
		return err
	}
	perRow, err := s.bytesPerRow(ctx, over+plan.MaxBytes)
	if err != nil {
		return err
	}
	size := newStepSize(512, 64, 1<<12)
	size.atMost(over / perRow)
	for b, err := range s.byID(ctx, 1, to, size, loseable(plan)) {
		if err == nil {
			err = s.delete(ctx, b, size, total)
		}
		if err == nil {
			over, err = s.over(ctx, plan)
		}
		if err != nil {
			return err
		}
		if over <= 0 {
			return nil
		}
		size.atMost(over / perRow) // no more than have to go
	}
	report.OverBytes = over
	s.options.logger.Warn("the history is above its limit, and all rows that are left are kept for ever", "file", s.path, "over_bytes", over)
	return nil
}

// bytesPerRow is the average size of a row in the file, with its share of the
// index and of all other tables.
func (s *Store) bytesPerRow(ctx context.Context, used int64) (int64, error) {
	var rows int64
	err := s.readers.QueryRowContext(ctx, "SELECT coalesce(sum(rows), 0) FROM aimdb_record").Scan(&rows)
	return max(used/max(rows, 1), 1), s.readError("count the rows", err)
}

func (s *Store) over(ctx context.Context, plan history.PrunePlan) (int64, error) {
	p, err := s.pages(ctx)
	return p.used() - plan.MaxBytes, err
}

// loseable returns a function that reports whether a row may go for the limit of
// the file.
func loseable(plan history.PrunePlan) func(record string, _ history.Point) bool {
	forever := map[string]bool{}
	for _, k := range plan.Keep {
		forever[k.Record] = k.Forever
	}
	return func(record string, _ history.Point) bool { return !forever[record] }
}

// shrink gives free pages back to the file system, a few at a time.
func (s *Store) shrink(ctx context.Context) (freed int64, err error) {
	if !s.write.shrinks {
		return 0, nil
	}
	before, err := s.pages(ctx)
	if err != nil {
		return 0, err
	}
	size := newStepSize(128, 32, 1<<13)
	p := before
	for p.free > spare(p) {
		n := min(int64(size.rows()), p.free-spare(p))
		err := s.sweepStep(ctx, size, int(n), func(ctx context.Context, w *writer) error {
			return s.writeError("give space back", w.vacuum(ctx, n))
		})
		if err != nil {
			return before.bytes() - p.bytes(), err
		}
		last := p
		if p, err = s.pages(ctx); err != nil || p.free >= last.free {
			return before.bytes() - p.bytes(), err
		}
	}
	return before.bytes() - p.bytes(), nil
}

// spare is the number of free pages that stay for the next rows.
func spare(p pages) int64 { return max(64, p.count/50) }

// vacuum frees pages. ExecContext steps through the statement, a page a step.
func (w *writer) vacuum(ctx context.Context, pages int64) error {
	_, err := w.conn.ExecContext(ctx, "PRAGMA incremental_vacuum("+itoa(pages)+")")
	return err
}
