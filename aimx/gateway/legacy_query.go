package gateway

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// legacyPattern selects records as the protocol before AimX 3.0 did: '*' is any run of
// characters, letters of ASCII match in both cases, and '.' and '::' are the same.
type legacyPattern struct {
	text  string
	parts []string // between the '*', normalized and in lower case
}

func newLegacyPattern(text string) legacyPattern {
	return legacyPattern{text, strings.Split(lowerASCII(key.Normalize(text)), "*")}
}

func lowerASCII(s string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}

// match reports whether the pattern matches a record. Each part but the last takes the
// first place where it is found, which leaves the most for those that follow.
func (p legacyPattern) match(record string) bool {
	rest, found := strings.CutPrefix(lowerASCII(key.Normalize(record)), p.parts[0])
	if !found {
		return false
	}
	if len(p.parts) == 1 {
		return rest == ""
	}
	last := len(p.parts) - 1
	for _, part := range p.parts[1:last] {
		if _, rest, found = strings.Cut(rest, part); !found {
			return false
		}
	}
	return strings.HasSuffix(rest, p.parts[last])
}

// covering returns a pattern of AimX 3.0 that matches all records which the pattern matches
// in its spelling. What it matches in another case is left to the check of each record.
func (p legacyPattern) covering() key.Pattern {
	normal := key.Normalize(p.text)
	before, _, wildcard := strings.Cut(normal, "*")
	if !wildcard {
		return key.WirePattern(p.text)
	}
	if dot := strings.LastIndexByte(before, '.'); dot >= 0 {
		return key.WirePattern(before[:dot] + ".#")
	}
	return key.WirePattern("#")
}

// legacyQuery answers record.query: the newest rows of each record, by record and newest
// first.
func (s *session) legacyQuery(params []byte) (historyQuery, *refusal) {
	name, ok := s.legacyName(params)
	if !ok {
		name = "*"
	}
	pattern := newLegacyPattern(name)
	q, limited, refused := s.parseLatest(params)
	if refused == nil {
		refused = s.refuseQuery(pattern.covering())
	}
	if refused != nil {
		return nil, refused
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) {
		if limited && q.Limit == 0 || emptyWindow(q.Window) {
			return appendLegacyRows(nil), nil
		}
		rows, refused := s.legacyRows(ctx, pattern, q)
		if refused != nil {
			return nil, refused
		}
		return appendLegacyRows(rows), nil
	}, nil
}

// legacyRows finds the records by their newest row first, so that rows of others are not
// read.
func (s *session) legacyRows(ctx context.Context, pattern legacyPattern, q history.LatestQuery) ([]history.Row, *refusal) {
	limit := q.Limit
	q.Pattern, q.Limit = key.WirePattern("#"), 1
	var found []string
	newest, refused := s.collectRows(ctx, q, func(row history.Row) bool {
		matches := pattern.match(row.Record)
		if matches {
			found = append(found, row.Record)
		}
		return matches
	})
	if refused != nil || limit == 1 {
		return newest, refused
	}
	q.Limit = limit
	var rows []history.Row
	size := 0
	for _, record := range found {
		q.Pattern = key.WirePattern(record)
		more, refused := s.collectRows(ctx, q, func(row history.Row) bool { return row.Record == record })
		if refused != nil {
			return nil, refused
		}
		rows = append(rows, more...)
		for _, row := range more {
			size += rowBytes(row)
		}
		if refused := s.refuseSize(len(rows), size); refused != nil {
			return nil, refused
		}
	}
	return rows, nil
}

func appendLegacyRows(rows []history.Row) json.RawMessage {
	size := 64
	for _, row := range rows {
		size += rowBytes(row)
	}
	b := append(make([]byte, 0, size), `{"values":[`...)
	for i, row := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"record":`...)
		b = wire.AppendString(b, row.Record)
		b = append(b, `,"value":`...)
		b = wire.AppendCompact(b, row.Value)
		b = append(b, `,"stored_at":`...)
		b = strconv.AppendInt(b, row.Time, 10)
		b = append(b, '}')
	}
	b = append(b, `],"count":`...)
	return append(strconv.AppendInt(b, int64(len(rows)), 10), '}')
}
