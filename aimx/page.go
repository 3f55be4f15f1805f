package aimx

import (
	"context"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/aimdb-go/aimdb/history"
)

// pageParams are the parameters of history.page.
type pageParams struct {
	scope
	Descending bool   `json:"descending,omitempty"`
	PerRecord  int    `json:"per_record,omitempty"`
	Limit      int    `json:"limit,omitempty"`
	Cursor     string `json:"cursor,omitempty"`
	MaxID      int64  `json:"max_id,omitempty"`
}

// answerWithPage is the answer to history.page.
type answerWithPage struct {
	Rows    []pageRow `json:"rows"`
	LeftOut int       `json:"left_out"`
	MaxID   int64     `json:"max_id"`
	Next    string    `json:"next"`
}

// pageRow is one row of it.
type pageRow struct {
	Record string          `json:"record"`
	Time   int64           `json:"time"`
	Value  json.RawMessage `json:"value"`
}

func (s *session) historyPage(params []byte) (search, *refusal) {
	var p pageParams
	if no := readParams(methodHistoryPage, params, &p); no != nil {
		return nil, no
	}
	if p.Limit < 0 || p.PerRecord < 0 {
		return nil, refuse(CodeInternal, "a limit is negative; 0 or none is as many as fit")
	}
	most := s.server.config.Limits.PageRows
	if p.Limit == 0 || p.Limit > most {
		p.Limit = most
	}
	q := history.RangeQuery{
		Descending: p.Descending, PerRecord: p.PerRecord, Total: p.Limit, Cursor: p.Cursor, MaxID: p.MaxID,
	}
	var no *refusal
	if q.Pattern, q.Window, no = p.scope.read(); no != nil {
		return nil, no
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) { return s.collectPage(ctx, q) }, nil
}

// collectPage reads rows until there are enough, or enough bytes of them.
func (s *session) collectPage(ctx context.Context, q history.RangeQuery) (json.RawMessage, *refusal) {
	page, err := s.readPage(ctx, &q)
	if err != nil {
		return nil, s.historyFailed(ctx, methodHistoryPage, q.Pattern.String(), err)
	}
	next := ""
	if page.more {
		if next, err = s.server.config.History.CursorAfter(q, page.read); err != nil {
			return nil, s.historyFailed(ctx, methodHistoryPage, q.Pattern.String(), err)
		}
	}
	return page.end(q.MaxID, next), nil
}

func (s *session) readPage(ctx context.Context, q *history.RangeQuery) (*pageWriter, error) {
	if q.MaxID == 0 {
		position, err := s.server.config.History.Position(ctx)
		if err != nil {
			return nil, err
		}
		q.MaxID = position.MaxID
	}
	limit := q.Total
	q.Total++ // one more tells whether there is a next page
	page := &pageWriter{buf: []byte(`{"rows":[`)}
	for row, err := range s.server.config.History.Range(ctx, *q) {
		if err != nil {
			return nil, err
		}
		// The first row goes out however large it is, so that every page gets on.
		full := len(page.buf)+len(row.Value) > s.server.config.Limits.PageBytes && len(page.read) > 0
		if page.more = full || len(page.read) == limit; page.more {
			break
		}
		page.add(row)
	}
	return page, nil
}

// pageWriter makes the answer to history.page.
type pageWriter struct {
	buf  []byte
	read []history.Row // without their values
	rows int           // those that are in buf
	more bool
}

// add writes a row, unless it cannot stand in a frame.
func (w *pageWriter) add(row history.Row) {
	w.read = append(w.read, history.Row{ID: row.ID, Record: row.Record, Time: row.Time})
	if !validJSON(row.Value) || !utf8.ValidString(row.Record) {
		return
	}
	if w.rows > 0 {
		w.buf = append(w.buf, ',')
	}
	w.rows++
	w.buf = append(w.buf, `{"record":`...)
	w.buf = appendText(w.buf, row.Record)
	w.buf = append(w.buf, `,"time":`...)
	w.buf = strconv.AppendInt(w.buf, row.Time, 10)
	w.buf = append(w.buf, `,"value":`...)
	w.buf = appendCompact(w.buf, row.Value)
	w.buf = append(w.buf, '}')
}

func (w *pageWriter) end(maxID int64, next string) json.RawMessage {
	b := append(w.buf, `],"left_out":`...)
	b = strconv.AppendInt(b, int64(len(w.read)-w.rows), 10)
	b = append(b, `,"max_id":`...)
	b = strconv.AppendInt(b, maxID, 10)
	b = append(b, `,"next":`...)
	b = appendText(b, next)
	return append(b, '}')
}
