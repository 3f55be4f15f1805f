package mcp

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

const (
	// exactRows is the number of rows up to which gaps are found between single rows.
	// In a window with more, they are found between buckets, gapBuckets of them.
	exactRows  = 1000
	gapBuckets = 500
	// earlierRows are read before the window, to learn the usual spacing.
	earlierRows = 50
	// wide is how many usual spacings a gap is longer than.
	wide = 3
)

// interval is a span of time between two rows of a record, in Unix milliseconds.
type interval struct {
	from, to int64
	// first says that there is no row before it, last that there is none after it.
	first, last bool
}

// middle returns the interval without its ends, where rows of other records tell nothing:
// all records may stop and go on at nearly the same times.
func (i interval) middle(usual int64) interval {
	span := i.to - i.from
	margin := min(max(usual, span/20), span/4)
	return interval{from: i.from + margin, to: i.to - margin}
}

// spacing is how the rows of a record lie in a window.
type spacing struct {
	rows int64
	// usual is the usual time between two rows in milliseconds, 0 if it is not known.
	usual int64
	gaps  []interval
}

// spacingOf reads the rows of a record in a window, or counts them if they are many.
func spacingOf(ctx context.Context, c *aimx.Client, record key.Pattern, from, to int64) (spacing, error) {
	page, err := c.HistoryPage(ctx, pageOf(record, from, to, false, exactRows))
	if err != nil {
		return spacing{}, err
	}
	if page.Next != "" {
		return countedSpacing(ctx, c, record, from, to)
	}
	earlier, err := c.HistoryPage(ctx, pageOf(record, 0, from-1, true, earlierRows))
	if err != nil {
		return spacing{}, err
	}
	later, err := c.HistoryPage(ctx, pageOf(record, to+1, farFuture, false, 1))
	if err != nil {
		return spacing{}, err
	}
	slices.Reverse(earlier.Rows)
	var times []int64
	for _, r := range slices.Concat(earlier.Rows, page.Rows, later.Rows) {
		times = append(times, r.Time)
	}
	s := spacing{rows: int64(len(page.Rows)), usual: median(times)}
	least := wide * s.usual
	if s.usual == 0 {
		least = (to - from) / 2
	}
	for _, i := range between(times, from, to, len(earlier.Rows) == 0, len(later.Rows) == 0) {
		if i.to > from && i.from < to && i.to-i.from > least {
			s.gaps = append(s.gaps, i)
		}
	}
	return s, nil
}

// farFuture is an end of a window that no row is after.
const farFuture = 253402300799999

func pageOf(record key.Pattern, from, to int64, descending bool, rows int) (q history.PageQuery) {
	q.Pattern, q.Window, q.Descending, q.Total = record, history.Window{Start: &from, End: &to}, descending, rows
	return q
}

// median returns the median of the differences of times, 0 if they are too few to tell.
func median(times []int64) int64 {
	if len(times) < 4 {
		return 0
	}
	var steps []int64
	for i, t := range times[1:] {
		steps = append(steps, t-times[i])
	}
	slices.Sort(steps)
	return max(steps[len(steps)/2], 1)
}

// between returns the intervals between times, and those at the ends of the window.
func between(times []int64, from, to int64, first, last bool) (list []interval) {
	if len(times) == 0 {
		return []interval{{from, to, true, true}}
	}
	if first {
		list = append(list, interval{from: from, to: times[0], first: true})
	}
	for i, t := range times[1:] {
		list = append(list, interval{from: times[i], to: t})
	}
	if last {
		list = append(list, interval{from: times[len(times)-1], to: min(to, time.Now().UnixMilli()), last: true})
	}
	return list
}

// countedSpacing finds gaps of a record with many rows in a window: spans of buckets
// without a row, whose ends are then read.
func countedSpacing(ctx context.Context, c *aimx.Client, record key.Pattern, from, to int64) (spacing, error) {
	to = min(to, time.Now().UnixMilli())
	width := (to-from)/gapBuckets + 1
	buckets, err := c.HistoryBuckets(ctx, history.BucketQuery{
		Pattern: record, Window: history.Window{Start: &from, End: &to}, Width: time.Duration(width) * time.Millisecond,
	})
	if err != nil {
		return spacing{}, err
	}
	var s spacing
	var empty []interval
	at := from
	for _, b := range buckets {
		s.rows += b.Count + b.Missing + b.NotNumeric
		if b.Start > at {
			empty = append(empty, interval{from: at, to: b.Start})
		}
		at = b.Start + width
	}
	if at < to {
		empty = append(empty, interval{from: at, to: to})
	}
	if s.rows == 0 {
		return s, errors.New("the rows of the record were removed while they were read; call again")
	}
	s.usual = max((to-from)/s.rows, 1)
	slices.SortFunc(empty, func(a, b interval) int { return int(min(max((b.to-b.from)-(a.to-a.from), -1), 1)) })
	for _, i := range empty[:min(len(empty), maxGaps)] {
		if i, err = exactEnds(ctx, c, record, i, to); err != nil {
			return s, err
		}
		if i.to-i.from > wide*s.usual {
			s.gaps = append(s.gaps, i)
		}
	}
	slices.SortFunc(s.gaps, func(a, b interval) int { return int(min(max(a.from-b.from, -1), 1)) })
	return s, nil
}

// exactEnds returns the interval between the rows before and after an empty one.
func exactEnds(ctx context.Context, c *aimx.Client, record key.Pattern, i interval, to int64) (interval, error) {
	before, err := c.HistoryPage(ctx, pageOf(record, 0, i.from, true, 1))
	if err != nil {
		return i, err
	}
	after, err := c.HistoryPage(ctx, pageOf(record, i.to, farFuture, false, 1))
	if err != nil {
		return i, err
	}
	if i.first = len(before.Rows) == 0; !i.first {
		i.from = before.Rows[0].Time
	}
	if i.last = len(after.Rows) == 0; i.last {
		i.to = to
	} else {
		i.to = after.Rows[0].Time
	}
	return i, nil
}
