package sqlite

import (
	"container/heap"
	"context"

	"github.com/aimdb-go/aimdb/history"
)

const (
	// largePage is the number of rows of one read transaction.
	largePage = 4096
	// pageBudget is the number of rows that a query over many records holds
	// in memory at once.
	pageBudget = 1 << 14
	smallPage  = 16
)

// merge brings the rows of several records into one order. Only the first part
// may have used up its page, between two rows.
type merge struct {
	parts []*mergePart
}

// mergePart is the reader of one record with the page it is in.
type mergePart struct {
	*recordReader
	rows []history.Row // what is left of the page
	page []history.Row // the page itself, to be used again
}

func (c *mergePart) fill(ctx context.Context) (bool, error) {
	var err error
	c.page, err = c.recordReader.next(ctx, c.page[:0])
	c.rows = c.page
	return len(c.rows) > 0, err
}

// newMerge opens a merge of readers, and reads the first page of each.
func newMerge(ctx context.Context, readers []*recordReader, total int) (*merge, error) {
	size := min(max(pageBudget/max(len(readers), 1), smallPage), largePage)
	if total > 0 {
		size = min(size, total)
	}
	m := &merge{}
	for _, r := range readers {
		r.page = size
		c := &mergePart{recordReader: r}
		some, err := c.fill(ctx)
		if err != nil {
			return nil, err
		}
		if some {
			m.parts = append(m.parts, c)
		}
	}
	heap.Init(m)
	return m, nil
}

// next appends up to n rows; fewer than n is the end. A page that is used up is
// followed by the next one only when a row of it is wanted: a query for as many
// rows as a page has reads one page.
func (m *merge) next(ctx context.Context, n int, into []history.Row) ([]history.Row, error) {
	const enough = 1 << 20
	for size := 0; n > 0 && size < enough && len(m.parts) > 0; {
		first := m.parts[0]
		if len(first.rows) == 0 {
			some, err := first.fill(ctx)
			if err != nil {
				return into, err
			}
			if !some {
				heap.Pop(m)
				continue
			}
			heap.Fix(m, 0)
			continue
		}
		row := first.rows[0]
		first.rows = first.rows[1:]
		into, size, n = append(into, row), size+len(row.Value), n-1
		if len(first.rows) > 0 {
			heap.Fix(m, 0)
		}
	}
	return into, nil
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (m *merge) Len() int { return len(m.parts) }

// Less orders by the next row of each part.
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
