package memory

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// TrustedTime implements history.Pruner.
func (s *Sink) TrustedTime(ctx context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trusted, ctx.Err()
}

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
	s.mu.Lock()
	defer s.mu.Unlock()
	gone, report := expired(s.rows, plan)
	s.rows = slices.DeleteFunc(slices.Clone(s.rows), func(row stored) bool { return gone[row.ID] })
	for i := range s.rows {
		if row := &s.rows[i]; row.found == 0 || plan.Now < row.found {
			row.found = plan.Now
		}
	}
	s.lastPrune = time.Now().UnixMilli()
	if s.trusted = max(s.trusted, plan.Now); len(report.Held) > 0 {
		s.trusted = plan.Trusted
	}
	return report, nil
}

// Preview implements history.Pruner.
func (s *Sink) Preview(ctx context.Context, plan history.PrunePlan) (history.PruneReport, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, report := expired(s.rows, plan)
	return report, ctx.Err()
}

// expired returns the IDs of the rows that a plan does not keep.
func expired(all []stored, plan history.PrunePlan) (gone map[int64]bool, report history.PruneReport) {
	gone = map[int64]bool{}
	report = history.PruneReport{Records: []history.PrunedRecord{}, Held: []history.HeldRecord{}}
	forever := map[string]bool{}
	for _, k := range plan.Keep {
		if forever[k.Record] = k.Forever; !k.Forever {
			overLimits(all, plan, k, gone, &report)
		}
	}
	used := int64(0)
	for _, row := range all {
		if !gone[row.ID] {
			used += size(row.Row)
		}
	}
	records := map[string]history.PrunedRecord{}
	for _, row := range all {
		if plan.MaxBytes > 0 && used > plan.MaxBytes && !gone[row.ID] && !forever[row.Record] {
			gone[row.ID], used = true, used-size(row.Row)
		}
		if gone[row.ID] {
			r := records[row.Record]
			records[row.Record] = history.PrunedRecord{Record: row.Record, Rows: r.Rows + 1, Bytes: r.Bytes + int64(len(row.Value))}
		}
	}
	if plan.MaxBytes > 0 {
		report.OverBytes = max(used-plan.MaxBytes, 0)
	}
	for _, name := range slices.Sorted(maps.Keys(records)) {
		r := records[name]
		report.Records = append(report.Records, r)
		report.Rows, report.Bytes = report.Rows+r.Rows, report.Bytes+r.Bytes
	}
	return gone, report
}

// overLimits adds the rows of one record that are over its limits.
func overLimits(all []stored, plan history.PrunePlan, k history.Keep, gone map[int64]bool, report *history.PruneReport) {
	before := k.Before
	old := func(row stored, before int64) bool {
		return before != 0 && (row.at() < before || row.at() > plan.Future() && row.found != 0 && row.found < before)
	}
	if sure := plan.Sure(k); k.Before != 0 && plan.Trusted != 0 && sure < k.Before {
		only, rows := int64(0), int64(0)
		for _, row := range all {
			if row.Record != k.Record || row.at() > plan.Trusted {
				continue
			}
			if rows++; old(row, k.Before) && !old(row, sure) {
				only++
			}
		}
		if plan.Holds(only, rows) {
			report.Held, before = append(report.Held, history.HeldRecord{Record: k.Record, Rows: only}), sure
		}
	}
	rows, bytes := int64(0), int64(0)
	for _, row := range slices.Backward(all) { // those stored last come first
		if row.Record != k.Record {
			continue
		}
		rows, bytes = rows+1, bytes+int64(len(row.Value))
		switch {
		case old(row, before) || k.MaxRows > 0 && rows > k.MaxRows || k.MaxBytes > 0 && bytes > k.MaxBytes:
			gone[row.ID] = true
		case k.Before != 0 && row.at() > plan.Future():
			report.Future++
		}
	}
}
