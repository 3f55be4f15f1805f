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

// recordQuery answers record.query: the newest rows of each record, or in one of the
// forms that this project adds.
func (s *session) recordQuery(params []byte) (historyQuery, *refusal) {
	q, limited, refused := s.parseQuery(params)
	if refused != nil {
		return nil, refused
	}
	f, refused := s.parseForm(params)
	if refused != nil {
		return nil, refused
	}
	f.limited = limited
	return func(ctx context.Context) (json.RawMessage, *refusal) {
		rows, next, refused := s.queryRows(ctx, q, f)
		if refused != nil {
			return nil, refused
		}
		return appendRows(rows, next), nil
	}, nil
}

// queryRows returns the rows of an answer, and the cursor of the next ones if f asks
// for pages.
func (s *session) queryRows(ctx context.Context, q history.LatestQuery, f queryForm) (rows []history.Row, next *string, refused *refusal) {
	if f.limited && q.Limit == 0 || emptyWindow(q.Window) {
		return nil, f.cursor, nil
	}
	switch {
	case f.bucket != nil:
		rows, refused = s.bucketRows(ctx, q, f)
	case f.cursor != nil:
		return s.pageRows(ctx, q, f)
	default:
		rows, refused = s.latestRows(ctx, q)
	}
	if f.descending {
		slices.Reverse(rows)
	}
	return rows, nil, refused
}

func emptyWindow(w history.Window) bool {
	return w.Start != nil && w.End != nil && *w.Start > *w.End
}

// parseQuery parses the parameters of record.query.
func (s *session) parseQuery(params []byte) (q history.LatestQuery, limited bool, refused *refusal) {
	name, ok := s.nameOf(params)
	if !ok {
		name = "#"
	}
	if q, limited, refused = s.parseLatest(params); refused != nil {
		return q, limited, refused
	}
	q.Pattern = key.WirePattern(name)
	return q, limited, s.refuseQuery(q.Pattern)
}

// parseLatest parses limit and window of a query. As in upstream, a value that is not an
// unsigned integer counts as absent. limited reports whether there is a limit; otherwise
// it is 1.
func (s *session) parseLatest(params []byte) (q history.LatestQuery, limited bool, refused *refusal) {
	q.Limit = 1
	var limit *int64
	for member, to := range map[string]**int64{"limit": &limit, "start": &q.Window.Start, "end": &q.Window.End} {
		raw := string(s.decoder.Member(params, member))
		n, err := strconv.ParseUint(raw, 10, 64)
		if err != nil {
			continue
		}
		if n > math.MaxInt64 {
			return q, false, refuse(aimx.CodeInternal, "%s is %s; it is at most 2^63-1", member, raw)
		}
		signed := int64(n)
		*to = &signed
	}
	if limit != nil {
		q.Limit = int(*limit)
	}
	return q, limit != nil, nil
}

// latestRows returns the newest rows of each record, oldest first.
func (s *session) latestRows(ctx context.Context, q history.LatestQuery) ([]history.Row, *refusal) {
	rows, refused := s.collectRows(ctx, q, func(history.Row) bool { return true })
	slices.SortStableFunc(rows, func(a, b history.Row) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.ID, b.ID))
	})
	return rows, refused
}

// collectRows returns the newest rows of each record that are wanted, in the order of the
// history.
func (s *session) collectRows(ctx context.Context, q history.LatestQuery, wanted func(history.Row) bool) ([]history.Row, *refusal) {
	var rows []history.Row
	size, broken := 0, 0
	for row, err := range s.history().Latest(ctx, q) {
		if err != nil {
			return nil, s.queryError(ctx, wire.MethodRecordQuery, q.Pattern.String(), err)
		}
		if !wanted(row) {
			continue
		}
		if !sendable(row) {
			broken++
			continue
		}
		rows = append(rows, row)
		size += rowBytes(row)
		if refused := s.refuseSize(len(rows), size); refused != nil {
			return nil, refused
		}
	}
	s.warnOfBroken(q.Pattern, broken)
	return rows, nil
}

// rowBytes is about what a row takes in an answer, with the names of its members.
func rowBytes(row history.Row) int { return len(row.Record) + len(row.Value) + 48 }

// refuseSize refuses an answer that is larger than Limits allow.
func (s *session) refuseSize(rows, size int) *refusal {
	limits := s.server.config.Limits
	if rows <= limits.QueryRows && size <= limits.QueryBytes {
		return nil
	}
	return refuse(aimx.CodeInternal, "the answer has more than %d rows or %d bytes; ask for fewer with limit, start, end or a narrower name", limits.QueryRows, limits.QueryBytes)
}

// sendable reports whether an answer can carry a row.
func sendable(row history.Row) bool { return wire.ValidJSON(row.Value) && utf8.ValidString(row.Record) }

func (s *session) warnOfBroken(p key.Pattern, rows int) {
	if rows > 0 {
		s.server.config.Logger.Warn("record.query skipped stored rows whose value is not JSON or whose record is not valid UTF-8",
			"pattern", p.String(), "rows", rows)
	}
}

// appendRows writes the answer. It copies every value once.
func appendRows(rows []history.Row, next *string) json.RawMessage {
	size := 64
	for _, row := range rows {
		size += rowBytes(row)
	}
	b := append(make([]byte, 0, size), `{"records":[`...)
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
	if next != nil {
		b = append(b, `,"next":`...)
		b = wire.AppendString(b, *next)
	}
	return append(b, '}')
}
