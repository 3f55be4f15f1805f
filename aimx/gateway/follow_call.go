package gateway

import (
	"context"
	"fmt"
	"iter"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx"
)

// Sub is one request to Server.Follow.
type Sub struct {
	// Topic is the key of a record or a pattern.
	Topic string
	// From is a time in Unix milliseconds. If it is nil, After is the position of an earlier
	// event, "" for values that are logged from now on.
	From  *int64
	After string
	// Grants are what the caller may do. Nil allows everything.
	Grants *access.Grants
}

// Follow is a subscription with from for a caller that reached the process by another way
// than a listener of the server. It keeps no values for a caller that is slow. An error,
// which is a [*aimx.Refusal], ends the sequence; so does Close, without one.
func (s *Server) Follow(ctx context.Context, sub Sub) iter.Seq2[FollowEvent, error] {
	return func(yield func(FollowEvent, error) bool) {
		session := newSession(ctx, s, nil, callTransport())
		session.grants, session.follows = sub.Grants, true
		defer session.end(nil)
		refused := closedRefusal()
		if s.add(session) {
			defer s.remove(session)
			refused = session.follow(sub, yield)
		}
		if refused != nil {
			yield(FollowEvent{}, s.refusalOf("sub with from", refused))
		}
	}
}

// EndFollowers ends the sequences of Follow, for a web server that waits for its handlers.
func (s *Server) EndFollowers() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for session := range s.sessions {
		if session.follows {
			session.end(errServerClosed)
		}
	}
}

// follow yields events until the end. It returns why it cannot or could not go on.
func (s *session) follow(sub Sub, yield func(FollowEvent, error) bool) *refusal {
	if s.server.config.Follow == nil {
		return refuse(aimx.CodeNotFound, "this server has no history or no log to begin in")
	}
	q, refused := s.followTopic(sub.Topic)
	if refused != nil {
		return refused
	}
	q.From, q.After = sub.From, sub.After
	for event, err := range s.server.config.Follow(s.ctx, q) {
		if s.ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return s.queryError(s.ctx, "sub with from", q.Pattern.String(), fmt.Errorf("the subscription ended: %w", err))
		}
		if !yield(event, nil) {
			return nil
		}
	}
	return nil
}

// closedRefusal refuses what comes after Close.
func closedRefusal() *refusal {
	return because(context.Canceled, refuse(aimx.CodeInternal, "the server is closed"))
}

// because adds the cause to a refusal.
func because(cause error, r *refusal) *refusal {
	r.cause = cause
	return r
}

// refusalOf returns a refusal as the error of a caller in this process.
func (s *Server) refusalOf(operation string, r *refusal) error {
	return &aimx.Refusal{Code: r.code, Operation: operation, Endpoint: fmt.Sprintf("database %s", s.config.Name), Reason: r.reason, Err: r.cause}
}
