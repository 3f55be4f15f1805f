package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// historyMethod parses the parameters of a request, which are valid during the
// call only, and returns the query that answers it.
type historyMethod func(s *session, params []byte) (historyQuery, *refusal)

// historyQuery reads the history and returns JSON.
type historyQuery func(context.Context) (json.RawMessage, *refusal)

// historyMethods are the methods that run beside the other frames of their
// connection: the content of the history does not depend on the order of frames.
func historyMethods() map[string]historyMethod {
	return map[string]historyMethod{
		wire.MethodRecordQuery:    (*session).recordQuery,
		wire.MethodHistoryStats:   (*session).stats,
		wire.MethodHistoryPage:    (*session).page,
		wire.MethodHistoryBuckets: (*session).buckets,
		wire.MethodHistoryVerify:  (*session).verify,
		wire.MethodHistoryMigrate: (*session).migrate,
		wire.MethodStats:          (*session).state,
		wire.MethodLossList:       (*session).lossList,
		wire.MethodLetterList:     (*session).letterList,
		wire.MethodLetterRetry:    (*session).letterRetry,
		wire.MethodHistoryUsage:   (*session).usage,
		wire.MethodRetentionList:  (*session).retentionList,
		wire.MethodRetentionTry:   (*session).retentionTry,
	}
}

// answerQuery sends the one answer to a query.
type answerQuery func(w *wire.FrameWriter, result []byte, refused *refusal)

// runQuery answers a history method beside the other frames of the connection.
func (s *session) runQuery(method string, params []byte, parse historyMethod, answer answerQuery) {
	if s.server.config.History == nil && needsHistory(method) {
		answer(&s.out, nil, refuse(s.transport.noHistory, "this database keeps no history"))
		return
	}
	query, refused := parse(s, params)
	if refused != nil {
		answer(&s.out, nil, refused)
		return
	}
	select {
	case s.waiting <- struct{}{}:
	default:
		limits := s.server.config.Limits
		answer(&s.out, nil, refuse(aimx.CodeDenied, "a connection has at most %d queries that run and %d that wait; ask again when one has been answered", limits.Queries, limits.Waiting))
		return
	}
	s.work.Go(func() {
		defer func() { <-s.waiting }()
		select {
		case s.running <- struct{}{}:
		case <-s.ctx.Done():
			return
		}
		defer func() { <-s.running }()
		ctx, cancel := context.WithTimeout(s.ctx, s.server.config.Limits.timeout(method))
		defer cancel()
		result, refused := query(ctx)
		answer(&wire.FrameWriter{}, result, refused)
	})
}

// queryError returns the refusal of a query that failed. Errors that the client
// can correct are not logged.
func (s *session) queryError(ctx context.Context, method, pattern string, err error) *refusal {
	if wrong := (*history.QueryError)(nil); errors.As(err, &wrong) {
		return because(wrong, refuse(aimx.CodeInternal, "%v", wrong))
	}
	if s.ctx.Err() == nil {
		s.server.config.Logger.Warn(method+" failed", "pattern", pattern, "error", err)
	}
	if ctx.Err() == context.DeadlineExceeded {
		return because(context.DeadlineExceeded, refuse(aimx.CodeInternal, "the query took longer than %v; %s", s.server.config.Limits.timeout(method), timeoutAdvice(method)))
	}
	return because(err, refuse(aimx.CodeInternal, "the history failed: %v", err))
}

// timeoutAdvice says what a client can do about a query that took too long.
func timeoutAdvice(method string) string {
	switch method {
	case wire.MethodHistoryStats: // the rows of a foreign history are counted once
		return "ask again later: rows that are counted once are not counted again"
	case wire.MethodHistoryBuckets:
		return "ask for a shorter time or fewer records"
	case wire.MethodHistoryMigrate:
		return "ask again: what is rewritten stays so"
	case wire.MethodRetentionTry:
		return "try limits that remove less, or run aimdb history prune --dry-run"
	case wire.MethodHistoryVerify:
		return "stop the database and verify its directory"
	}
	return "ask for fewer rows"
}

// parseScope returns the pattern and the window of a query. The default pattern
// is "#".
func (s *session) parseScope(c wire.Scope) (key.Pattern, history.Window, *refusal) {
	text := "#"
	if c.Pattern != nil {
		text = *c.Pattern
	}
	p, err := key.ParsePattern(text)
	if err != nil {
		return p, history.Window{}, refuse(aimx.CodeInternal, "%v", err)
	}
	return p, history.Window{Start: c.Start, End: c.End}, s.refuseQuery(p)
}

// parseParams parses parameters and refuses unknown ones: an answer that ignored
// one would be wrong.
func parseParams(method string, params []byte, to any) *refusal {
	if wire.IsNull(params) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(params))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return refuse(aimx.CodeInternal, "the parameters of %s cannot be read: %v; times and widths are whole milliseconds, limits whole numbers", method, err)
	}
	return nil
}

func (s *session) stats([]byte) (historyQuery, *refusal) {
	return func(ctx context.Context) (json.RawMessage, *refusal) {
		stats, err := s.history().stats(ctx)
		if err != nil {
			return nil, s.queryError(ctx, wire.MethodHistoryStats, "#", err)
		}
		return marshal(stats)
	}, nil
}

func (s *session) buckets(params []byte) (historyQuery, *refusal) {
	var p wire.BucketParams
	if refused := parseParams(wire.MethodHistoryBuckets, params, &p); refused != nil {
		return nil, refused
	}
	q, refused := bucketQuery(p.Width, p.Path)
	if refused != nil {
		return nil, refused
	}
	if q.Pattern, q.Window, refused = s.parseScope(p.Scope); refused != nil {
		return nil, refused
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) { return s.collectBuckets(ctx, q) }, nil
}

// bucketQuery returns a query for buckets of a width in milliseconds.
func bucketQuery(width int64, path string) (history.BucketQuery, *refusal) {
	const widest = math.MaxInt64 / int64(time.Millisecond)
	if width < 1 || width > widest {
		return history.BucketQuery{}, refuse(aimx.CodeInternal, "the width of the buckets is %d ms and must be from 1 to %d", width, widest)
	}
	return history.BucketQuery{Width: time.Duration(width) * time.Millisecond, Path: path}, nil
}

func (s *session) collectBuckets(ctx context.Context, q history.BucketQuery) (json.RawMessage, *refusal) {
	limits := s.server.config.Limits
	b, n := []byte(`{"buckets":[`), 0
	for bucket, err := range s.history().Buckets(ctx, q) {
		if err != nil {
			return nil, s.queryError(ctx, wire.MethodHistoryBuckets, q.Pattern.String(), err)
		}
		one, err := json.Marshal(bucket)
		if err != nil {
			return nil, refuse(aimx.CodeInternal, "the bucket of %s at %d ms has a sum that JSON cannot hold: %v", bucket.Record, bucket.Start, err)
		}
		if n > 0 {
			b = append(b, ',')
		}
		b = append(b, one...)
		if n++; n > limits.QueryRows || len(b) > limits.QueryBytes {
			return nil, refuse(aimx.CodeInternal, "the answer has more than %d buckets or %d bytes; ask for wider ones, a shorter time or fewer records", limits.QueryRows, limits.QueryBytes)
		}
	}
	return append(b, `]}`...), nil
}
