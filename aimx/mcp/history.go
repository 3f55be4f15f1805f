package mcp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/timetext"
)

const (
	// maxRows bounds the rows of an answer, and the rows of each record of query_latest.
	maxRows = 1000
	// maxBuckets bounds the buckets of one record, so that a typing error does not ask for
	// millions.
	maxBuckets = 100_000
)

// historyRow is one stored value.
type historyRow struct {
	Record string `json:"record"`
	Time   string `json:"time" jsonschema:"time of the write"`
	value
}

// windowArguments are what the queries of the history share.
type windowArguments struct {
	at
	Pattern string `json:"record_name" jsonschema:"a key or a pattern: * stands for one segment, # for any number, such as temp::vienna, temp::* or #"`
	Start   string `json:"start,omitempty" jsonschema:"oldest time, included: RFC 3339 such as 2026-01-31T03:00:00Z, Unix milliseconds, or a duration back from now such as 2h ago; the beginning if it is left out"`
	End     string `json:"end,omitempty" jsonschema:"newest time, included, in the same forms; now if it is left out"`
	Cursor  string `json:"cursor,omitempty" jsonschema:"next_cursor of the answer before"`
}

type latestArguments struct {
	windowArguments
	Limit int `json:"limit,omitempty" jsonschema:"number of rows of each record, 1 to 1000; 1 if it is left out"`
}

type rangeArguments struct {
	windowArguments
	Limit int    `json:"limit,omitempty" jsonschema:"number of rows of this answer, 1 to 1000; 100 if it is left out"`
	Order string `json:"order,omitempty" jsonschema:"asc for oldest first, which is the default, or desc"`
}

type latestAnswer struct {
	Rows []historyRow `json:"rows" jsonschema:"by record, newest first"`
	rest
	Hint string `json:"hint,omitempty"`
}

type rangeAnswer struct {
	Rows       []historyRow `json:"rows"`
	More       bool         `json:"more,omitempty" jsonschema:"whether rows follow that are not in this answer; query_buckets counts them"`
	NextCursor string       `json:"next_cursor,omitempty" jsonschema:"the argument cursor of the call that continues; all other arguments but limit stay the same; absent at the end"`
	NotJSON    int          `json:"rows_not_json,omitempty" jsonschema:"rows that were left out because their values are not JSON"`
	Hint       string       `json:"hint,omitempty"`
}

func (s *Server) addHistoryTools() {
	addTool(s, tool{name: "query_latest", title: "Newest stored values",
		description: "Get the newest stored values of each record that matches, within a window if one is given."}, s.queryLatest)
	addTool(s, tool{name: "query_range", title: "Stored values of a span of time",
		description: "Get stored values of a span of time, in the order of their times, paged. For long spans use query_buckets first."}, s.queryRange)
	addTool(s, tool{name: "query_buckets", title: "Summaries over time",
		description: "Summarize a number inside the stored values over spans of one width: count, min, max, avg, first and last. Without path it counts rows."}, s.queryBuckets)
	addTool(s, tool{name: "history_stats", title: "What the history holds",
		description: "Describe the history: rows, bytes, first and last time of each record, and how much was lost."}, s.historyStats)
}

func (s *Server) queryLatest(ctx context.Context, in latestArguments) (answer latestAnswer, err error) {
	if in.Limit < 0 || in.Limit > maxRows {
		return answer, fmt.Errorf("limit is %d; give 1 to %d", in.Limit, maxRows)
	}
	pattern, err := parsePattern(in.Pattern)
	if err != nil {
		return answer, err
	}
	c, err := windowOf(in.Cursor, in.Start, in.End, "query_latest", in.Endpoint, in.Pattern, in.Limit)
	if err != nil {
		return answer, err
	}
	var rows []history.Row
	err = s.ask(ctx, in.at, func(client *aimx.Client) (err error) {
		rows, err = client.Query(ctx, pattern.String(), max(in.Limit, 1), c.window())
		return err
	})
	if err != nil {
		return answer, err
	}
	slices.Reverse(rows) // newest first
	slices.SortStableFunc(rows, func(a, b history.Row) int { return strings.Compare(a.Record, b.Record) })
	answer.Rows, answer.rest = part(s.config.AnswerBytes, s.rowsOf(rows), c, maxRows)
	if len(rows) == 0 {
		answer.Hint = s.whyNoRows(ctx, in.windowArguments)
	}
	return answer, nil
}

func (s *Server) rowsOf(rows []history.Row) []historyRow {
	list := make([]historyRow, len(rows))
	for i, r := range rows {
		list[i] = historyRow{Record: r.Record, Time: timetext.Format(r.Time), value: valueOf(r.Value, s.config.AnswerBytes/4)}
	}
	return list
}

func (s *Server) queryRange(ctx context.Context, in rangeArguments) (answer rangeAnswer, err error) {
	if in.Limit < 0 || in.Limit > maxRows {
		return answer, fmt.Errorf("limit is %d; give 1 to %d", in.Limit, maxRows)
	}
	if in.Order != "" && in.Order != "asc" && in.Order != "desc" {
		return answer, fmt.Errorf("order is %s; give asc or desc", quote(in.Order))
	}
	pattern, err := parsePattern(in.Pattern)
	if err != nil {
		return answer, err
	}
	c, err := windowOf(in.Cursor, in.Start, in.End, "query_range", in.Endpoint, in.Pattern, in.Order == "desc")
	if err != nil {
		return answer, err
	}
	limit := in.Limit
	if limit == 0 {
		limit = 100
	}
	q := history.PageQuery{Cursor: c.Next}
	q.Pattern, q.Window, q.Descending, q.Total, q.MaxID = pattern, c.window(), in.Order == "desc", limit, c.MaxID
	page, err := s.fittingPage(ctx, in.at, q)
	if err != nil {
		return answer, err
	}
	answer.Rows, answer.NotJSON = s.rowsOf(page.Rows), page.LeftOut
	if page.Next != "" {
		c.Next, c.MaxID = page.Next, page.MaxID
		answer.More, answer.NextCursor = true, c.encode()
	} else if len(page.Rows) == 0 && in.Cursor == "" {
		answer.Hint = s.whyNoRows(ctx, in.windowArguments)
	}
	return answer, nil
}

// fittingPage returns a page that fits into an answer. If the first one does not, it asks
// again for as many rows as fit, for the cursor after them.
func (s *Server) fittingPage(ctx context.Context, a at, q history.PageQuery) (page aimx.Page, err error) {
	err = s.ask(ctx, a, func(client *aimx.Client) (err error) {
		if page, err = client.HistoryPage(ctx, q); err != nil {
			return err
		}
		n := fitting(s.config.AnswerBytes, s.rowsOf(page.Rows))
		if n == len(page.Rows) {
			return nil
		}
		q.Total, q.MaxID = n, page.MaxID
		page, err = client.HistoryPage(ctx, q)
		return err
	})
	return page, err
}

// whyNoRows says why a query has no rows.
func (s *Server) whyNoRows(ctx context.Context, in windowArguments) string {
	pattern, err := parsePattern(in.Pattern)
	if err != nil {
		return ""
	}
	list, err := s.list(ctx, in.at)
	if err != nil {
		return "no rows, and the reason is not known: " + err.Error()
	}
	matching, unpersisted := 0, 0
	for _, r := range list {
		if pattern.Match(r.Key) {
			matching++
			if r.Persisted != nil && !*r.Persisted {
				unpersisted++
			}
		}
	}
	switch {
	case matching == 0:
		return "no record matches; list_records lists them"
	case matching == unpersisted:
		return fmt.Sprintf("no rows, because none of the %d records that match is persisted; get_record has their current values", matching)
	}
	return "no rows in this window; history_stats has the first and the last time of each record"
}
