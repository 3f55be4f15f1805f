package historytest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/history"
)

// model answers queries from all rows of a history, which have their IDs.
type model []history.Row

// selected returns copies of the rows that match, in the order of a range.
func (m model) selected(match func(history.Row) bool) []history.Row {
	var rows []history.Row
	for _, row := range m {
		if match(row) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b history.Row) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.ID, b.ID))
	})
	return rows
}

// rangeOf answers a RangeQuery.
func (m model) rangeOf(q history.RangeQuery) (want []history.Row) {
	rows := m.selected(func(row history.Row) bool {
		return q.Pattern.Match(row.Record) && q.Window.Contains(row.Time) && (q.MaxID == 0 || row.ID <= q.MaxID)
	})
	if q.Descending {
		slices.Reverse(rows)
	}
	given := map[string]int{}
	for _, row := range rows {
		if q.After != nil {
			a, b := *q.After, row.Point()
			if q.Descending {
				a, b = b, a
			}
			if !a.Before(b) {
				continue
			}
		}
		if given[row.Record]++; q.PerRecord > 0 && given[row.Record] > q.PerRecord {
			continue
		}
		if want = append(want, row); q.Total > 0 && len(want) == q.Total {
			break
		}
	}
	return want
}

// latest answers a LatestQuery.
func (m model) latest(q history.LatestQuery) (want []history.Row) {
	for _, record := range m.records() {
		if !q.Pattern.Match(record) {
			continue
		}
		rows := m.selected(func(row history.Row) bool { return row.Record == record && q.Window.Contains(row.Time) })
		if q.By == history.ByStoring {
			rows = byStoring(rows)
		}
		slices.Reverse(rows)
		want = append(want, rows[:min(q.Limit, len(rows))]...)
	}
	return want
}

// byStoring puts the rows of one record into the order of their storing: those
// from before the last clock step by time, then those from after it.
func byStoring(rows []history.Row) []history.Row {
	stored := slices.Clone(rows)
	slices.SortFunc(stored, func(a, b history.Row) int { return cmp.Compare(a.ID, b.ID) })
	step := 0
	for i := 1; i < len(stored); i++ {
		if stored[i].Time < stored[i-1].Time {
			step = i
		}
	}
	early := model(stored[:step]).selected(func(history.Row) bool { return true })
	return append(early, stored[step:]...)
}

// records returns the names of the records that have rows.
func (m model) records() (names []string) {
	for _, row := range m {
		names = append(names, row.Record)
	}
	slices.SortFunc(names, strings.Compare)
	return slices.Compact(names)
}

// pruned returns the rows that a plan keeps, and the report on the others.
func (m model) pruned(keep []history.Keep) (left model, report history.PruneReport) {
	for _, record := range m.records() {
		rows := m.selected(func(row history.Row) bool { return row.Record == record })
		slices.SortFunc(rows, func(a, b history.Row) int { return cmp.Compare(b.ID, a.ID) })
		var k history.Keep
		for _, one := range keep {
			if one.Record == record && !one.Forever {
				k = one
			}
		}
		gone := history.PrunedRecord{Record: record}
		bytes := int64(0)
		for i, row := range rows { // those stored last come first
			bytes += int64(len(row.Value))
			if k.Before != 0 && row.Time < k.Before || k.MaxRows > 0 && int64(i) >= k.MaxRows || k.MaxBytes > 0 && bytes > k.MaxBytes {
				gone.Rows, gone.Bytes = gone.Rows+1, gone.Bytes+int64(len(row.Value))
			} else {
				left = append(left, row)
			}
		}
		if gone.Rows > 0 {
			report.Records = append(report.Records, gone)
			report.Rows, report.Bytes = report.Rows+gone.Rows, report.Bytes+gone.Bytes
		}
	}
	return left, report
}
