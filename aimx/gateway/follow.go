package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
)

// Follow yields the history of a database from a time or a position on, and then what
// its log has, without a gap or a duplicate, until ctx ends. The first event has Begin.
// If the log does not reach back to the position, before the first event or later
// because the caller was slow, it falls back to the history and says so in another
// Begin. An error ends the sequence. A query that can never be answered fails with a
// history.QueryError.
type Follow func(ctx context.Context, q FollowQuery) iter.Seq2[FollowEvent, error]

// FollowQuery says which values are wanted.
type FollowQuery struct {
	Pattern key.Pattern
	// From is a time in Unix milliseconds: values written earlier are left out. If it is
	// nil, After is the position of an earlier event: FollowBegin.Base and FollowEvent.At,
	// joined. "" is the end of the log now.
	From  *int64
	After string
	// Includes reports whether the values of a record are wanted.
	Includes func(record string) bool
}

// FollowEvent is one step of a Follow: a begin, the end of history, or a value.
type FollowEvent struct {
	// Begin is set on the first event, and where the sequence falls back to the history.
	Begin *FollowBegin
	// CaughtUp means that what follows is live.
	CaughtUp bool
	// At is the place of the event, as FollowQuery.After describes.
	At string

	Record string
	Time   int64
	Value  json.RawMessage
	// Lost is the number of values of the record that were lost just before this one.
	Lost uint64
	// Loss is a range that is missing from the log and from the history, if it is not
	// known which records it belongs to.
	Loss *loss.Loss
}

// FollowBegin says where a sequence starts.
type FollowBegin struct {
	// Base is the first part of the positions of the events that follow.
	Base string
	// Reason is why the log cannot be read from the position, empty if it can. Then
	// From is the time, in Unix milliseconds, from which on the history is sent again.
	Reason string
	From   int64
}

// resuming is a subscription with from. It reads the history and the log at the pace
// of its client, and keeps no values for it.
type resuming struct {
	session *session
	id      uint64
	name    string
	query   FollowQuery
	ctx     context.Context
	cancel  context.CancelFunc
	seq     uint64
	out     wire.FrameWriter
}

// end implements ender.
func (r *resuming) end() { r.cancel() }

// openResuming answers a sub with from.
func (s *session) openResuming(f wire.Frame, name string) (ender, *refusal) {
	if s.server.config.Follow == nil {
		return nil, refuse(s.transport.noHistory, "this server has no history or no log to begin in; subscribe without from, or ask the server of the process that owns the records")
	}
	if most := s.server.config.Limits.Resuming; s.resuming() >= most {
		return nil, refuse(aimx.CodeDenied, "a connection has at most %d subscriptions with from; unsub one or open another connection", most)
	}
	q, refused := s.followQuery(f)
	if refused != nil {
		return nil, refused
	}
	r := &resuming{session: s, id: f.ID, name: name, query: q}
	r.ctx, r.cancel = context.WithCancel(s.ctx)
	s.send(s.out.Follows(name))
	s.work.Go(r.run)
	return r, nil
}

// resuming counts the subscriptions with from.
func (s *session) resuming() (n int) {
	for _, sub := range s.subscriptions {
		if _, is := sub.(*resuming); is {
			n++
		}
	}
	return n
}

// followTopic checks which records a client wants to follow.
func (s *session) followTopic(topic string) (q FollowQuery, refused *refusal) {
	if strings.ContainsAny(topic, "*#") {
		if refused = s.refusePattern(key.WirePattern(topic)); refused == nil {
			refused = s.refuseUnlogged(topic)
		}
	} else if h, unreadable := s.readable(topic); unreadable != nil {
		refused = unreadable
	} else if topic = h.Key(); !h.Config().Logged {
		refused = refuse(aimx.CodeInternal, "record %q does not persist, so it has no log to follow; subscribe without from, or register it with Persist", topic)
	}
	if refused != nil {
		return q, refused
	}
	p, err := key.ParsePattern(topic)
	if err != nil {
		return q, refuse(aimx.CodeInternal, "%v", err)
	}
	q.Pattern, q.Includes = p, s.includes()
	return q, nil
}

// followQuery checks topic and from.
func (s *session) followQuery(f wire.Frame) (q FollowQuery, refused *refusal) {
	if q, refused = s.followTopic(f.Topic); refused != nil {
		return q, refused
	}
	if wire.IsString(f.From) {
		q.After = string(bytes.Clone(wire.Unquote(f.From)))
		if q.After == "" {
			return q, refuse(aimx.CodeInternal, "from is no position of an event; leave it out for values from now on")
		}
		return q, nil
	}
	ms, err := strconv.ParseInt(string(f.From), 10, 64)
	if err != nil {
		return q, refuse(aimx.CodeInternal, "from is %.40s; it must be a time in whole Unix milliseconds or a position in quotes", f.From)
	}
	q.From = &ms
	return q, nil
}

// refuseUnlogged refuses a pattern that matches records none of which persists.
func (s *session) refuseUnlogged(topic string) *refusal {
	pattern, matching := key.WirePattern(topic), 0
	for _, h := range s.server.config.Registry.Records() {
		if !s.mayRead(h) || !pattern.Match(h.Key()) {
			continue
		}
		if h.Config().Logged {
			return nil
		}
		matching++
	}
	if matching == 0 {
		return nil
	}
	return refuse(aimx.CodeInternal, "no record that matches %q persists, so there is no log to follow; subscribe without from, or register one with Persist", topic)
}

// includes returns which records clients may follow: those that they may query and that
// a frame can name.
func (s *session) includes() func(record string) bool {
	readable := s.history()
	return func(record string) bool { return !readable.isPrivate(record) && wire.IsPlain(record) }
}

func (r *resuming) run() {
	defer r.cancel()
	for event, err := range r.session.server.config.Follow(r.ctx, r.query) {
		if r.ctx.Err() != nil {
			return
		}
		if err != nil {
			r.session.answer(&r.out, r.id, nil, r.session.queryError(r.ctx, "sub with from", r.query.Pattern.String(), fmt.Errorf("the subscription ended: %w", err)))
			return
		}
		if !r.send(event) {
			return
		}
	}
}

// send sends one event. Lost values consume numbers, so that the client sees the gap.
func (r *resuming) send(e FollowEvent) bool {
	switch {
	case e.Begin != nil:
		return r.session.send(r.out.Begin(r.name, e.Begin.Base, e.At, e.Begin.From, e.Begin.Reason))
	case e.CaughtUp:
		return r.session.send(r.out.CaughtUp(r.name, e.At))
	}
	r.seq += e.Lost + 1
	var lost json.RawMessage
	if e.Loss != nil {
		var refused *refusal
		if lost, refused = marshal(e.Loss); refused != nil {
			r.session.answer(&r.out, r.id, nil, refused)
			return false
		}
	}
	return r.session.send(r.out.Logged(r.name, r.seq, e.Record, e.Time, e.At, lost, e.Value))
}
