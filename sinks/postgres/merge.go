package postgres

import (
	"container/heap"
	"context"
	"slices"

	"github.com/aimdb-go/aimdb/history"
)

// manyRecords is the number of records whose first pages one statement reads.
const manyRecords = 512

// merge brings the rows of several records into one order.
type merge struct {
	parts []*mergePart
}

// mergePart is the reader of one record with what is left of the page it is in.
type mergePart struct {
	*recordReader
	rows []history.Row
}

// share is the number of rows that each of some records may have in memory: its part of a
// budget, and a few at least.
func share(budget, records int) int {
	return max(budget/max(records, 1), budget/1024, 1)
}

// newMerge opens a merge of readers, and reads the first page of each. They hold about as
// many rows in memory as a budget.
func (s *Store) newMerge(ctx context.Context, readers []*recordReader, budget, total int) (*merge, error) {
	size := min(share(budget, len(readers)), firstPage, total)
	for _, r := range readers {
		r.page = size
	}
	m := &merge{}
	var timed, others []*recordReader // which have different statements
	for _, r := range readers {
		if r.since != nil {
			timed = append(timed, r)
		} else {
			others = append(others, r)
		}
	}
	for _, group := range [][]*recordReader{timed, others} {
		for some := range slices.Chunk(group, manyRecords) {
			pages, err := s.firstPages(ctx, some)
			if err != nil {
				return nil, err
			}
			for i, page := range pages {
				if len(page) > 0 {
					m.parts = append(m.parts, &mergePart{some[i], page})
				}
			}
		}
	}
	for _, r := range readers {
		r.budget = share(budget, len(m.parts))
	}
	heap.Init(m)
	return m, nil
}

// next returns the next row. There is none at the end.
func (m *merge) next(ctx context.Context) (row history.Row, more bool, err error) {
	for len(m.parts) > 0 {
		first := m.parts[0]
		if len(first.rows) == 0 {
			if first.rows, err = first.recordReader.next(ctx, nil); err != nil {
				return row, false, err
			}
			if len(first.rows) == 0 {
				heap.Pop(m)
				continue
			}
			heap.Fix(m, 0)
			continue
		}
		row, first.rows = first.rows[0], first.rows[1:]
		if len(first.rows) > 0 {
			heap.Fix(m, 0)
		}
		return row, true, nil
	}
	return row, false, nil
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (m *merge) Len() int { return len(m.parts) }

// Less orders by the next row of each part. Only the first part may have used up its
// page, between two rows.
func (m *merge) Less(i, j int) bool {
	a, b := m.parts[i].rows[0].Point(), m.parts[j].rows[0].Point()
	if m.parts[i].descending {
		return b.Before(a)
	}
	return a.Before(b)
}

// Swap exchanges two parts.
func (m *merge) Swap(i, j int) { m.parts[i], m.parts[j] = m.parts[j], m.parts[i] }

// Push is not used: parts only ever leave.
func (m *merge) Push(any) {}

// Pop drops the last part.
func (m *merge) Pop() any {
	last := m.parts[len(m.parts)-1]
	m.parts = m.parts[:len(m.parts)-1]
	return last
}
