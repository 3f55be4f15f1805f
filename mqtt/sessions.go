package mqtt

import (
	"sync"
	"time"
)

// sessions are those of a server by the IDs of their clients.
type sessions struct {
	mu     sync.Mutex
	byID   map[string]*session
	conns  map[*conn]*session
	closed bool
}

// enter gives a connection a session: the one of its client ID, unless there is none or clean
// is true. It returns what the session had before.
func (s *sessions) enter(c *conn, id string, clean bool) (previous predecessor, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return previous, false
	}
	if s.byID == nil {
		s.byID, s.conns = make(map[string]*session), make(map[*conn]*session)
	}
	old := s.byID[id]
	if old != nil {
		previous = old.take(c, clean)
		delete(s.conns, previous.conn)
	}
	switch {
	case old == nil || clean:
		c.session = &session{server: c.server, id: id, conn: c, grants: c.grants}
		s.byID[id] = c.session
	default:
		c.session, c.resumed = old, true
	}
	s.conns[c] = c.session
	return previous, true
}

// leave takes a connection from its session. It reports whether it was the session's, whether
// the session remains without one, and whether it does not because there would be too many.
func (s *sessions) leave(c *conn, keep time.Duration, limit int) (last, kept, full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := c.session
	if s.conns[c] != u {
		return false, true, false // another connection has it, or it was ended
	}
	delete(s.conns, c)
	full = len(s.byID)-len(s.conns) > limit
	if keep > 0 && !s.closed && !full {
		return true, true, false
	}
	delete(s.byID, u.id)
	return true, false, full && keep > 0
}

// expire removes a session that no connection has.
func (s *sessions) expire(u *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID[u.id] != u {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.conn != nil {
		return false
	}
	delete(s.byID, u.id)
	return true
}

// of returns the session of a connection, nil if it has none.
func (s *sessions) of(c *conn) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns[c]
}

func (s *sessions) count() (clients, all int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns), len(s.byID)
}

// close ends all sessions that no connection has, and refuses further ones.
func (s *sessions) close() {
	s.mu.Lock()
	s.closed = true
	var left []*session
	for _, u := range s.byID {
		left = append(left, u)
	}
	s.byID, s.conns = nil, nil
	s.mu.Unlock()
	for _, u := range left {
		u.end()
	}
}
