package aimdb

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
)

// fallBackOverlap is how many milliseconds before the last value the history is sent
// again if the log does not reach back: values of other records may have been logged
// after it and written before it.
const fallBackOverlap = 10_000

// followForGateway answers clients of the gateway. Unlike Follow, it falls back to the
// history by itself.
func (db *DB) followForGateway(ctx context.Context, q gateway.FollowQuery) iter.Seq2[gateway.FollowEvent, error] {
	return func(yield func(gateway.FollowEvent, error) bool) {
		at, reason, err := db.beginForGateway(ctx, q)
		for err == nil {
			begin := &gateway.FollowBegin{Base: at.boundary.base, Reason: reason}
			if reason != "" && at.boundary.From != nil {
				begin.From = *at.boundary.From
			}
			if !yield(gateway.FollowEvent{Begin: begin, At: at.place()}, nil) {
				return
			}
			r := &gatewayReader{db: db, query: q, last: at, yield: yield}
			if at, reason, err = r.read(ctx); err == nil && reason == "" {
				return
			}
		}
		if ctx.Err() == nil {
			yield(gateway.FollowEvent{}, err)
		}
	}
}

// beginForGateway returns where to begin, and why it is not where the client asked for.
func (db *DB) beginForGateway(ctx context.Context, q gateway.FollowQuery) (at followPosition, reason string, err error) {
	if q.From != nil {
		at, err = db.positionFrom(ctx, q.Pattern.String(), q.From)
		return at, "", err
	}
	if at, err = parsePosition(q.After); err != nil {
		return at, "", err
	}
	if at.boundary.Pattern != q.Pattern.String() {
		return at, "", &history.QueryError{Reason: fmt.Sprintf("aimdb: the position is one of %q; it cannot continue %q", at.boundary.Pattern, q.Pattern)}
	}
	if reason, err = db.goneAt(ctx, at); err != nil || reason == "" {
		return at, "", err
	}
	at, err = db.fallBack(ctx, at)
	return at, reason, err
}

// fallBack returns the position in the history from which on the values after a
// position of a log are sent again.
func (db *DB) fallBack(ctx context.Context, p followPosition) (followPosition, error) {
	from := p.boundary.From
	if t := p.row.Time - fallBackOverlap; p.row != (history.Point{}) && (from == nil || t > *from) {
		from = &t
	}
	return db.positionFrom(ctx, p.boundary.Pattern, from)
}

// gatewayReader reads history and log from one position on.
type gatewayReader struct {
	db    *DB
	query gateway.FollowQuery
	// last is the position of the last event that was yielded.
	last  followPosition
	yield func(gateway.FollowEvent, error) bool
	// next is where to continue if the log has discarded what follows, and reason says
	// so. err is why that is not known.
	next   followPosition
	reason string
	err    error
}

// read returns where to continue, with a reason, or no reason at the end.
func (r *gatewayReader) read(ctx context.Context) (next followPosition, reason string, err error) {
	f := follower[json.RawMessage]{
		db: r.db, yield: r.event, includes: r.query.Includes,
		discarded: func(m bus.Message) bool { return r.discarded(ctx, m) },
	}
	f.run(ctx, r.last)
	return r.next, r.reason, r.err
}

// event yields one event.
func (r *gatewayReader) event(e Event[json.RawMessage], err error) bool {
	if err != nil {
		return r.yield(gateway.FollowEvent{}, err)
	}
	r.last = e.at
	return r.yield(gateway.FollowEvent{
		CaughtUp: e.CaughtUp, At: e.at.place(),
		Record: e.Record, Time: e.at.row.Time, Value: e.Value, Lost: e.Lost, Loss: e.Loss,
	}, nil)
}

// discarded reports whether the history has what the log has discarded before this
// reader read it. Then reading continues there.
func (r *gatewayReader) discarded(ctx context.Context, m bus.Message) bool {
	next, err := r.db.fallBack(ctx, r.last)
	if err != nil {
		r.err = err
		return true
	}
	if next.boundary.Sequence < m.Sequence { // it would miss the same again
		return false
	}
	r.next = next
	r.reason = fmt.Sprintf("the log has discarded messages up to %d before this subscription read them: it reads more slowly than values are logged", m.Sequence)
	return true
}
