package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// recordQuery answers record.query.
func (s *session) recordQuery(params []byte) (historyQuery, *refusal) {
	q, refused := s.parseQuery(params)
	if refused != nil {
		return nil, refused
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) {
		if q.Limit == 0 || emptyWindow(q.Window) {
			return appendRows(nil, nil), nil
		}
		return s.collectRows(ctx, q)
	}, nil
}

func emptyWindow(w history.Window) bool {
	return w.Start != nil && w.End != nil && *w.Start > *w.End
}

// parseQuery parses the parameters of record.query. As in upstream, a value that is
// not an unsigned integer counts as absent.
func (s *session) parseQuery(params []byte) (history.LatestQuery, *refusal) {
	name, ok := s.nameOf(params)
	if !ok {
		name = "#"
	}
	q := history.LatestQuery{Pattern: key.WirePattern(name), Limit: 1}
	var limit *int64
	for member, to := range map[string]**int64{"limit": &limit, "start": &q.Window.Start, "end": &q.Window.End} {
		raw := string(s.decoder.Member(params, member))
		n, err := strconv.ParseUint(raw, 10, 64)
		if err != nil {
			continue
		}
		if n > math.MaxInt64 {
			return q, refuse(aimx.CodeInternal, "%s is %s; it is at most 2^63-1", member, raw)
		}
		signed := int64(n)
		*to = &signed
	}
	if limit != nil {
		q.Limit = int(*limit)
	}
	return q, s.refusePrivate(q.Pattern)
}

// collectRows answers with the rows of a query, oldest first.
func (s *session) collectRows(ctx context.Context, q history.LatestQuery) (json.RawMessage, *refusal) {
	limits := s.server.config.Limits
	var rows []history.Row
	size, broken := 0, 0
	for row, err := range s.history().Latest(ctx, q) {
		if err != nil {
			return nil, s.queryError(ctx, wire.MethodRecordQuery, q.Pattern.String(), err)
		}
		if !wire.ValidJSON(row.Value) || !utf8.ValidString(row.Record) {
			broken++
			continue
		}
		rows = append(rows, row)
		size += len(row.Record) + len(row.Value) + 48 // 48: member names and time
		if len(rows) > limits.QueryRows || size > limits.QueryBytes {
			return nil, refuse(aimx.CodeInternal, "the answer has more than %d rows or %d bytes; ask for fewer with limit, start, end or a narrower name", limits.QueryRows, limits.QueryBytes)
		}
	}
	if broken > 0 {
		s.server.config.Logger.Warn("record.query skipped stored rows whose value is not JSON or whose record is not valid UTF-8", "pattern", q.Pattern.String(), "rows", broken)
	}
	slices.SortStableFunc(rows, func(a, b history.Row) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.ID, b.ID))
	})
	return appendRows(make([]byte, 0, size+64), rows), nil
}

// appendRows writes the answer. It copies every value once.
func appendRows(b []byte, rows []history.Row) []byte {
	b = append(b, `{"records":[`...)
	for i, row := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"topic":`...)
		b = wire.AppendString(b, row.Record)
		b = append(b, `,"payload":`...)
		b = wire.AppendCompact(b, row.Value)
		b = append(b, `,"ts":`...)
		b = strconv.AppendInt(b, row.Time, 10)
		b = append(b, '}')
	}
	b = append(b, `],"total":`...)
	b = strconv.AppendInt(b, int64(len(rows)), 10)
	return append(b, '}')
}
