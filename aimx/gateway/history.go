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

// question reads the parameters of a request to the history, while they are
// there, and returns the search that answers it.
type question func(s *session, params []byte) (search, *refusal)

// search asks the history. The result is JSON.
type search func(context.Context) (json.RawMessage, *refusal)

// questionTable has the methods that run beside the other frames of their
// connection: what the history holds does not depend on their order. The last
// three are this project's own.
func questionTable() map[string]question {
	return map[string]question{
		wire.MethodRecordQuery:    (*session).query,
		wire.MethodHistoryStats:   (*session).historyStats,
		wire.MethodHistoryPage:    (*session).historyPage,
		wire.MethodHistoryBuckets: (*session).historyBuckets,
	}
}

// consult answers a question beside the other frames of the connection.
func (s *session) consult(f wire.Frame, ask question) {
	if s.server.config.History == nil {
		s.answer(&s.out, f.ID, nil, refuse(s.transport.noHistory, "this database keeps no history"))
		return
	}
	run, no := ask(s, f.Params)
	if no != nil {
		s.answer(&s.out, f.ID, nil, no)
		return
	}
	select {
	case s.waiting <- struct{}{}:
	case <-s.ctx.Done():
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
		ctx, cancel := context.WithTimeout(s.ctx, s.server.config.Limits.QueryTimeout)
		defer cancel()
		result, no := run(ctx)
		s.answer(&wire.FrameWriter{}, f.ID, result, no)
	})
}

// historyFailed says why a query has no answer. What the client can change is
// not worth a line in the log.
func (s *session) historyFailed(ctx context.Context, method, pattern string, err error) *refusal {
	if wrong := (*history.QueryError)(nil); errors.As(err, &wrong) {
		return refuse(aimx.CodeInternal, "%v", wrong)
	}
	if s.ctx.Err() == nil {
		s.server.config.Logger.Warn(method+" failed", "pattern", pattern, "error", err)
	}
	if ctx.Err() == context.DeadlineExceeded {
		return refuse(aimx.CodeInternal, "the query took longer than %v; %s", s.server.config.Limits.QueryTimeout, afterTimeout(method))
	}
	return refuse(aimx.CodeInternal, "the history failed: %v", err)
}

// afterTimeout is what a client can do about a query that takes too long.
func afterTimeout(method string) string {
	switch method {
	case wire.MethodHistoryStats: // a history that was not made here is counted once
		return "ask again later: what is counted by then need not be counted again"
	case wire.MethodHistoryBuckets:
		return "ask for a shorter time or fewer records"
	}
	return "ask for fewer rows"
}

// readScope returns the scope as queries have it. Without a pattern it is all.
func readScope(c wire.Scope) (key.Pattern, history.Window, *refusal) {
	text := "#"
	if c.Pattern != nil {
		text = *c.Pattern
	}
	p, err := key.ParsePattern(text)
	if err != nil {
		return p, history.Window{}, refuse(aimx.CodeInternal, "%v", err)
	}
	return p, history.Window{Start: c.Start, End: c.End}, nil
}

// readParams reads parameters of which none may be unknown: one that was
// skipped would make the answer a wrong one.
func readParams(method string, params []byte, to any) *refusal {
	if wire.IsNull(params) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(params))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return refuse(aimx.CodeInternal, "%s cannot be asked with these parameters: %v; times and widths are whole milliseconds, limits whole numbers", method, err)
	}
	return nil
}

func (s *session) historyStats([]byte) (search, *refusal) {
	return func(ctx context.Context) (json.RawMessage, *refusal) {
		stats, err := s.server.config.History.Stats(ctx)
		if err != nil {
			return nil, s.historyFailed(ctx, wire.MethodHistoryStats, "#", err)
		}
		return marshal(stats)
	}, nil
}

func (s *session) historyBuckets(params []byte) (search, *refusal) {
	var p wire.BucketParams
	if no := readParams(wire.MethodHistoryBuckets, params, &p); no != nil {
		return nil, no
	}
	const widest = math.MaxInt64 / int64(time.Millisecond)
	if p.Width < 1 || p.Width > widest {
		return nil, refuse(aimx.CodeInternal, "the width of the buckets is %d ms and must be from 1 to %d", p.Width, widest)
	}
	q := history.BucketQuery{Width: time.Duration(p.Width) * time.Millisecond, Path: p.Path}
	var no *refusal
	if q.Pattern, q.Window, no = readScope(p.Scope); no != nil {
		return nil, no
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) { return s.collectBuckets(ctx, q) }, nil
}

func (s *session) collectBuckets(ctx context.Context, q history.BucketQuery) (json.RawMessage, *refusal) {
	limits := s.server.config.Limits
	b, n := []byte(`{"buckets":[`), 0
	for bucket, err := range s.server.config.History.Buckets(ctx, q) {
		if err != nil {
			return nil, s.historyFailed(ctx, wire.MethodHistoryBuckets, q.Pattern.String(), err)
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
