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

// merge brings the spans of several records into one order. Only the first one
// may have used up its page, between two rows.
type merge struct {
	spans []*cursorSpan
}

// cursorSpan is a span with the page it is in.
type cursorSpan struct {
	*span
	rows []history.Row // what is left of the page
	page []history.Row // the page itself, to be used again
}

func (c *cursorSpan) fill(ctx context.Context) (bool, error) {
	var err error
	c.page, err = c.span.next(ctx, c.page[:0])
	c.rows = c.page
	return len(c.rows) > 0, err
}

// newMerge opens a merge over spans; it reads the first page of each.
func newMerge(ctx context.Context, spans []*span, total int) (*merge, error) {
	size := min(max(pageBudget/max(len(spans), 1), smallPage), largePage)
	if total > 0 {
		size = min(size, total)
	}
	m := &merge{}
	for _, s := range spans {
		s.page = size
		c := &cursorSpan{span: s}
		some, err := c.fill(ctx)
		if err != nil {
			return nil, err
		}
		if some {
			m.spans = append(m.spans, c)
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
	for size := 0; n > 0 && size < enough && len(m.spans) > 0; {
		first := m.spans[0]
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
func (m *merge) Len() int { return len(m.spans) }

// Less orders by the next row of each span.
func (m *merge) Less(i, j int) bool {
	a, b := at(m.spans[i].rows[0]), at(m.spans[j].rows[0])
	if m.spans[i].descending {
		return b.before(a)
	}
	return a.before(b)
}

// Swap exchanges two spans.
func (m *merge) Swap(i, j int) { m.spans[i], m.spans[j] = m.spans[j], m.spans[i] }

// Push is not used: spans only ever leave.
func (m *merge) Push(any) {}

// Pop drops the last span.
func (m *merge) Pop() any {
	last := m.spans[len(m.spans)-1]
	m.spans = m.spans[:len(m.spans)-1]
	return last
}
