package sqlite

import (
	"context"
	"iter"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// Preview implements history.Pruner. What the limit of the whole history takes is
// estimated from the average size of a row.
func (s *Store) Preview(ctx context.Context, plan history.PrunePlan) (report history.PruneReport, err error) {
	cut, err := s.cutoffs(ctx, plan, &report)
	if err != nil {
		return report, err
	}
	total := rowCounts{}
	size := newStepSize(4096, 4096, 4096)
	for record, c := range cut {
		for _, seq := range []iter.Seq2[*pruneBatch, error]{s.byRecord(ctx, record, c, size), s.byStoring(ctx, record, c, size)} {
			for b, err := range seq {
				if err != nil {
					return report, err
				}
				for name, c := range b.counts {
					total.add(name, c.rows, c.bytes)
				}
			}
		}
	}
	if plan.MaxBytes > 0 {
		report.OverBytes, err = s.previewFile(ctx, plan, cut, total)
	}
	fillReport(&report, total)
	return report, err
}

func (s *Store) previewFile(ctx context.Context, plan history.PrunePlan, cut cutoffs, total rowCounts) (over int64, err error) {
	p, err := s.pages(ctx)
	if err != nil {
		return 0, err
	}
	stats, err := s.Stats(ctx)
	if err != nil || stats.Rows == 0 {
		return 0, err
	}
	each := float64(p.used()) / float64(stats.Rows)
	left := float64(p.used() - plan.MaxBytes)
	for _, c := range total {
		left -= float64(c.rows) * each
	}
	may := loseable(plan)
	selects := func(record string, at history.Point) bool {
		if left <= 0 || !may(record, at) || cut.selects(record, at) {
			return false
		}
		left -= each
		return true
	}
	for b, err := range s.byID(ctx, 1, math.MaxInt64, newStepSize(4096, 4096, 4096), selects) {
		if err != nil {
			return 0, err
		}
		for name, c := range b.counts {
			total.add(name, c.rows, c.bytes)
		}
		if left <= 0 {
			break
		}
	}
	return int64(max(left, 0)), nil
}
