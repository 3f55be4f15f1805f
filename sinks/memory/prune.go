package memory

import (
	"context"
	"slices"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// Records implements history.Pruner.
func (s *Sink) Records(ctx context.Context) (names []string, err error) {
	for _, r := range s.records(every) {
		names = append(names, r.name)
	}
	return names, ctx.Err()
}

// Prune implements history.Pruner.
func (s *Sink) Prune(ctx context.Context, plan history.PrunePlan) (history.PruneReport, error) {
	if err := ctx.Err(); err != nil {
		return history.PruneReport{}, err
	}
	gone, report := s.expired(plan)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = slices.DeleteFunc(slices.Clone(s.rows), func(row stored) bool { return gone[row.ID] })
	s.lastPrune = time.Now().UnixMilli()
	return report, nil
}

// Preview implements history.Pruner.
func (s *Sink) Preview(ctx context.Context, plan history.PrunePlan) (history.PruneReport, error) {
	_, report := s.expired(plan)
	return report, ctx.Err()
}

// expired returns the IDs of the rows that a plan does not keep.
func (s *Sink) expired(plan history.PrunePlan) (gone map[int64]bool, report history.PruneReport) {
	gone, report.Records = map[int64]bool{}, []history.PrunedRecord{}
	keep := map[string]history.Keep{}
	for _, k := range plan.Keep {
		keep[k.Record] = k
	}
	used, all := int64(0), s.records(every)
	var loseable []history.Row
	for _, r := range all {
		k := keep[r.name]
		rows, bytes := int64(0), int64(0)
		for _, row := range slices.Backward(r.rows) { // those stored last come first
			rows, bytes, used = rows+1, bytes+int64(len(row.Value)), used+size(row)
			over := k.Before != 0 && row.Time < k.Before || k.MaxRows > 0 && rows > k.MaxRows || k.MaxBytes > 0 && bytes > k.MaxBytes
			if over && !k.Forever {
				gone[row.ID], used = true, used-size(row)
			} else if !k.Forever {
				loseable = append(loseable, row)
			}
		}
	}
	slices.SortFunc(loseable, func(a, b history.Row) int { return int(a.ID - b.ID) })
	for _, row := range loseable {
		if plan.MaxBytes > 0 && used > plan.MaxBytes {
			gone[row.ID], used = true, used-size(row)
		}
	}
	if plan.MaxBytes > 0 {
		report.OverBytes = max(used-plan.MaxBytes, 0)
	}
	for _, r := range all {
		one := history.PrunedRecord{Record: r.name}
		for _, row := range r.rows {
			if gone[row.ID] {
				one.Rows, one.Bytes = one.Rows+1, one.Bytes+int64(len(row.Value))
			}
		}
		if one.Rows > 0 {
			report.Records = append(report.Records, one)
			report.Rows, report.Bytes = report.Rows+one.Rows, report.Bytes+one.Bytes
		}
	}
	return gone, report
}
