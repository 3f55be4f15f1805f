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
	q := history.PageQuery{
		RangeQuery: history.RangeQuery{Descending: p.Descending, PerRecord: p.PerRecord, Total: p.Limit, MaxID: p.MaxID},
		Cursor:     p.Cursor,
		MaxBytes:   s.server.config.Limits.PageBytes,
	}
	var no *refusal
	if q.Pattern, q.Window, no = p.scope.read(); no != nil {
		return nil, no
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) { return s.collectPage(ctx, q) }, nil
}

// collectPage reads rows until there are enough, or enough bytes of them.
func (s *session) collectPage(ctx context.Context, q history.PageQuery) (json.RawMessage, *refusal) {
	page, err := history.ReadPage(ctx, s.server.config.History, q)
	if err != nil {
		return nil, s.historyFailed(ctx, methodHistoryPage, q.Pattern.String(), err)
	}
	w := pageWriter{buf: []byte(`{"rows":[`)}
	for _, row := range page.Rows {
		w.add(row)
	}
	return w.end(len(page.Rows), page.MaxID, page.Next), nil
}

// pageWriter makes the answer to history.page.
type pageWriter struct {
	buf  []byte
	rows int // those that are in buf
}

// add writes a row, unless it cannot stand in a frame.
func (w *pageWriter) add(row history.Row) {
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

func (w *pageWriter) end(read int, maxID int64, next string) json.RawMessage {
	b := append(w.buf, `],"left_out":`...)
	b = strconv.AppendInt(b, int64(read-w.rows), 10)
	b = append(b, `,"max_id":`...)
	b = strconv.AppendInt(b, maxID, 10)
	b = append(b, `,"next":`...)
	b = appendText(b, next)
	return append(b, '}')
}
