package aimx

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
)

// HistoryStats is the answer to history.stats.
type HistoryStats struct {
	history.Stats
	// PrivateRecords counts the records of the history that are absent from the
	// answer because clients may not read them.
	PrivateRecords int `json:"private_records"`
}

// HistoryStats describes the history of the server. Like all methods whose
// names begin with History, it belongs to this project's extension: a server of
// upstream refuses it with CodeNotFound.
func (c *Client) HistoryStats(ctx context.Context) (HistoryStats, error) {
	var stats HistoryStats
	raw, err := c.call(ctx, wire.MethodHistoryStats, "", nil)
	if err != nil {
		return stats, err
	}
	err = c.decode(wire.MethodHistoryStats, raw, &stats)
	return stats, err
}

// HistoryBuckets returns summaries of a number over spans of time, by record and
// then by time.
func (c *Client) HistoryBuckets(ctx context.Context, q history.BucketQuery) ([]history.Bucket, error) {
	if q.Width%time.Millisecond != 0 {
		return nil, fmt.Errorf("%s: the width %v of the buckets is not a whole number of milliseconds", wire.MethodHistoryBuckets, q.Width)
	}
	raw, err := c.call(ctx, wire.MethodHistoryBuckets, q.Pattern.String(), wire.BucketParams{
		Scope: wire.NewScope(q.Pattern, q.Window), Width: q.Width.Milliseconds(), Path: q.Path,
	})
	if err != nil {
		return nil, err
	}
	var answer wire.BucketsAnswer
	err = c.decode(wire.MethodHistoryBuckets, raw, &answer)
	return answer.Buckets, err
}

// Page is one page of a range of rows. The ID of the rows is 0. Their values are parts of
// the page in memory: clone one that is kept for longer than the others.
type Page struct {
	history.Page
	// LeftOut counts the rows that cannot be sent because their values are not
	// JSON.
	LeftOut int
}

// HistoryPage returns one page of a range. The page has at most q.Total rows, or as
// many as the limits of the server admit if q.Total is 0 or larger than those.
func (c *Client) HistoryPage(ctx context.Context, q history.PageQuery) (Page, error) {
	raw, err := c.call(ctx, wire.MethodHistoryPage, q.Pattern.String(), wire.PageParams{
		Scope: wire.NewScope(q.Pattern, q.Window), Descending: q.Descending, PerRecord: q.PerRecord,
		Limit: q.Total, Cursor: q.Cursor, MaxID: q.MaxID,
	})
	if err != nil {
		return Page{}, err
	}
	answer, err := wire.DecodePage(raw)
	if err != nil {
		return Page{}, c.malformed(wire.MethodHistoryPage, err)
	}
	return Page{Page: answer.Page, LeftOut: answer.LeftOut}, nil
}

// HistoryPages yields the pages of a range until they hold q.Total rows, or all
// rows if that is 0. Rows stored after it began are excluded. It keeps one page in
// memory and ends with the first error. The last page has the cursor of the rest.
func (c *Client) HistoryPages(ctx context.Context, q history.PageQuery) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		for left := q.Total; ; {
			q.Total = left
			page, err := c.HistoryPage(ctx, q)
			received := len(page.Rows) + page.LeftOut
			if err == nil && received == 0 && page.Next != "" {
				err = fmt.Errorf("%s %s at %s: the server sends a cursor and no rows; paging would never end", wire.MethodHistoryPage, q.Pattern, c.endpoint)
			}
			if !yield(page, err) || err != nil || page.Next == "" {
				return
			}
			if left > 0 {
				if left -= received; left <= 0 {
					return
				}
			}
			q.Cursor, q.MaxID = page.Next, page.MaxID
		}
	}
}
