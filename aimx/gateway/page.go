package gateway

import (
	"context"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
)

// page answers history.page.
func (s *session) page(params []byte) (historyQuery, *refusal) {
	var p wire.PageParams
	if refused := parseParams(wire.MethodHistoryPage, params, &p); refused != nil {
		return nil, refused
	}
	if p.Limit < 0 || p.PerRecord < 0 {
		return nil, refuse(aimx.CodeInternal, "a limit is negative; 0, or no limit, means as many rows as fit")
	}
	if most := s.server.config.Limits.PageRows; p.Limit == 0 || p.Limit > most {
		p.Limit = most
	}
	q := history.PageQuery{
		RangeQuery: history.RangeQuery{Descending: p.Descending, PerRecord: p.PerRecord, Total: p.Limit, MaxID: p.MaxID},
		Cursor:     p.Cursor,
		MaxBytes:   s.pageBytes(),
	}
	var refused *refusal
	if q.Pattern, q.Window, refused = s.parseScope(p.Scope); refused != nil {
		return nil, refused
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) { return s.collectPage(ctx, q) }, nil
}

// collectPage answers with one page of a query.
func (s *session) collectPage(ctx context.Context, q history.PageQuery) (json.RawMessage, *refusal) {
	page, err := history.ReadPage(ctx, s.history(), q)
	if err != nil {
		return nil, s.queryError(ctx, wire.MethodHistoryPage, q.Pattern.String(), err)
	}
	size := 128
	for _, row := range page.Rows {
		size += rowBytes(row)
	}
	w := pageWriter{buf: append(make([]byte, 0, size), `{"rows":[`...)}
	for _, row := range page.Rows {
		w.add(row)
	}
	return w.end(len(page.Rows), page.MaxID, page.Next), nil
}

// pageWriter writes the answer to history.page.
type pageWriter struct {
	buf  []byte
	rows int // the number of rows in buf
}

// add writes a row. A row that is not JSON counts as left out.
func (w *pageWriter) add(row history.Row) {
	if !wire.ValidJSON(row.Value) || !utf8.ValidString(row.Record) {
		return
	}
	if w.rows > 0 {
		w.buf = append(w.buf, ',')
	}
	w.rows++
	w.buf = append(w.buf, `{"record":`...)
	w.buf = wire.AppendString(w.buf, row.Record)
	w.buf = append(w.buf, `,"time":`...)
	w.buf = strconv.AppendInt(w.buf, row.Time, 10)
	w.buf = append(w.buf, `,"value":`...)
	w.buf = wire.AppendCompact(w.buf, row.Value)
	if row.Shape != 0 {
		w.buf = strconv.AppendInt(append(w.buf, `,"shape":`...), int64(row.Shape), 10)
	}
	w.buf = append(w.buf, '}')
}

func (w *pageWriter) end(read int, maxID int64, next string) json.RawMessage {
	b := append(w.buf, `],"left_out":`...)
	b = strconv.AppendInt(b, int64(read-w.rows), 10)
	b = append(b, `,"max_id":`...)
	b = strconv.AppendInt(b, maxID, 10)
	b = append(b, `,"next":`...)
	b = wire.AppendString(b, next)
	return append(b, '}')
}
