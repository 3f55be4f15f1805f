package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
)

// queryForm is what this project adds to the parameters of record.query. Clients of
// upstream send none of it.
type queryForm struct {
	// limited is true if the client gives a limit.
	limited bool
	// descending begins with the newest row.
	descending bool
	// cursor asks for a page of all rows; it is empty for the first page.
	cursor *string
	// bucket asks for summaries of a number.
	bucket *history.BucketQuery
}

// parseForm parses what is added. Unlike the other parameters, a wrong one is refused.
func (s *session) parseForm(params []byte) (f queryForm, refused *refusal) {
	if raw := s.decoder.Member(params, "order"); !wire.IsNull(raw) {
		if f.descending = string(raw) == `"desc"`; !f.descending && string(raw) != `"asc"` {
			return f, refuse(aimx.CodeInternal, "the order %s is unknown; it is asc or desc", raw)
		}
	}
	if raw := s.decoder.Member(params, "cursor"); !wire.IsNull(raw) {
		if !wire.IsString(raw) {
			return f, refuse(aimx.CodeInternal, `the cursor %s is not a string; it is "" for the first page and then next of the page before`, raw)
		}
		text := string(wire.Unquote(raw))
		f.cursor = &text
	}
	raw := s.decoder.Member(params, "bucket")
	if wire.IsNull(raw) {
		return f, nil
	}
	if f.cursor != nil {
		return f, refuse(aimx.CodeInternal, "buckets come in one answer; leave the cursor or the bucket out")
	}
	var p wire.QueryBucket
	if refused := parseParams("the bucket of record.query", raw, &p); refused != nil {
		return f, refused
	}
	q, refused := bucketQuery(p.Width, p.Path)
	f.bucket = &q
	return f, refused
}

// pageRows returns the rows of one page.
func (s *session) pageRows(ctx context.Context, q history.LatestQuery, f queryForm) ([]history.Row, *string, *refusal) {
	total := s.server.config.Limits.PageRows
	if f.limited {
		total = min(q.Limit, total)
	}
	page, err := history.ReadPage(ctx, s.history(), history.PageQuery{
		RangeQuery: history.RangeQuery{Pattern: q.Pattern, Window: q.Window, Descending: f.descending, Total: total},
		Cursor:     *f.cursor,
		MaxBytes:   s.pageBytes(),
	})
	if err != nil {
		return nil, nil, s.queryError(ctx, wire.MethodRecordQuery, q.Pattern.String(), err)
	}
	read := len(page.Rows)
	rows := slices.DeleteFunc(page.Rows, func(row history.Row) bool { return !sendable(row) })
	s.warnOfBroken(q.Pattern, read-len(rows))
	return rows, &page.Next, nil
}

// bucketRows returns the buckets as rows, by time and then by record: the time is the
// start of the bucket, and a limit keeps the newest ones of each record.
func (s *session) bucketRows(ctx context.Context, q history.LatestQuery, f queryForm) ([]history.Row, *refusal) {
	limits := s.server.config.Limits
	f.bucket.Pattern, f.bucket.Window = q.Pattern, q.Window
	var rows []history.Row
	size, first := 0, 0 // first is the first bucket of the present record
	for bucket, err := range s.history().Buckets(ctx, *f.bucket) {
		if err != nil {
			return nil, s.queryError(ctx, wire.MethodRecordQuery, q.Pattern.String(), err)
		}
		value, err := json.Marshal(bucket)
		if err != nil {
			return nil, refuse(aimx.CodeInternal, "the bucket of %s at %d ms has a sum that JSON cannot hold: %v", bucket.Record, bucket.Start, err)
		}
		if len(rows) > 0 && rows[len(rows)-1].Record != bucket.Record {
			first = len(rows)
		}
		if f.limited && len(rows)-first == q.Limit {
			size -= len(rows[first].Value)
			rows = slices.Delete(rows, first, first+1)
		}
		rows = append(rows, history.Row{Record: bucket.Record, Time: bucket.Start, Value: value})
		if size += len(value); len(rows) > limits.QueryRows || size > limits.QueryBytes {
			return nil, refuse(aimx.CodeInternal, "the answer has more than %d buckets or %d bytes; ask for wider ones, a shorter time, a limit or fewer records", limits.QueryRows, limits.QueryBytes)
		}
	}
	slices.SortStableFunc(rows, func(a, b history.Row) int { return cmp.Compare(a.Time, b.Time) })
	return rows, nil
}
