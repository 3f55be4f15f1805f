package mqtt

import (
	"fmt"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/records"
	"github.com/mochi-mqtt/server/v2/packets"
)

// session is what a client ID has beyond its connection: the messages of QoS 2 that it may
// send again, its subscriptions, and the messages that it has not acknowledged.
type session struct {
	server *Server
	id     string

	mu     sync.Mutex
	conn   *conn // nil while there is none
	grants *access.Grants
	ended  bool
	// received are the messages of QoS 2 that the client has not released.
	received map[uint16]*received
	// filters are the subscriptions, selected the records that they select.
	filters  map[string]packets.Subscription
	selected map[*records.Untyped]*selected
	// feed is nil until there is a subscription. unwatch ends the addition of records.
	feed    *records.Feed
	unwatch func()
	// retained are the records whose newest value is to be sent.
	retained []*records.Untyped
	// unacked are the messages of QoS 1 that the client has not acknowledged, in order.
	unacked []*message
	lastID  uint16
	// expiry ends the session, will sends the delayed will. Both are nil while there is a
	// connection.
	expiry, delayed *time.Timer
	will            *will
}

// predecessor is what a session had before a connection: a connection, and a will that was
// delayed and is due because the session ends. Both may be nil.
type predecessor struct {
	conn *conn
	will *will
}

// take gives the session to another connection, or ends it if clean is true.
func (u *session) take(c *conn, clean bool) predecessor {
	u.mu.Lock()
	previous := predecessor{conn: u.conn}
	u.stopTimers()
	if clean {
		previous.will = u.will
	}
	u.will = nil
	if !clean {
		u.conn, u.grants = c, c.grants
		for _, m := range u.unacked {
			m.sent = false
		}
	}
	u.mu.Unlock()
	if clean {
		u.end()
	}
	return previous
}

func (u *session) stopTimers() {
	for _, t := range []*time.Timer{u.expiry, u.delayed} {
		if t != nil {
			t.Stop()
		}
	}
	u.expiry, u.delayed = nil, nil
}

// leave ends the session's use of a connection, and the session itself unless it outlives it.
func (u *session) leave(c *conn) {
	l := u.server.config.Limits
	keep := c.keeps(l.SessionExpiry)
	last, kept, full := u.server.sessions.leave(c, keep, l.Sessions)
	if full && c.serving.Err() == nil {
		c.count(causeSessions, fmt.Errorf("its session was not kept: there are %d without a client; raise the limit of sessions, or shorten their expiry", l.Sessions))
	}
	w := c.will
	if c.left() || c.serving.Err() != nil || u.server.ctx.Err() != nil {
		w = nil // the server ends, or the client said goodbye
	}
	if !last { // another connection has taken the session, or ended it
		if w != nil && (w.delay == 0 || u.over()) {
			w.send()
		}
		return
	}
	if !kept {
		u.end()
		if w != nil {
			w.send()
		}
		return
	}
	if w != nil && w.delay == 0 {
		w.send()
		w = nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.conn != c || u.ended {
		return
	}
	u.conn = nil
	u.pauseUnqueued()
	if w != nil {
		u.will = w
		u.delayed = time.AfterFunc(min(w.delay, keep), func() { u.server.later(u.sendWill) })
	}
	u.expiry = time.AfterFunc(keep, func() { u.server.later(u.expire) })
}

// over reports whether the session has ended.
func (u *session) over() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.ended
}

// sendWill sends the will that was delayed.
func (u *session) sendWill() {
	u.mu.Lock()
	w := u.will
	if u.conn != nil || u.ended {
		w = nil
	}
	u.will = nil
	u.mu.Unlock()
	if w != nil {
		w.send()
	}
}

// expire ends the session if no connection has come.
func (u *session) expire() {
	if !u.server.sessions.expire(u) {
		return
	}
	u.sendWill()
	u.end()
}

// end ends the session for ever.
func (u *session) end() {
	u.mu.Lock()
	u.ended, u.conn = true, nil
	u.stopTimers()
	feed, unwatch := u.feed, u.unwatch
	u.feed, u.unwatch = nil, nil
	u.selected, u.filters, u.unacked, u.received = nil, nil, nil, nil
	u.mu.Unlock()
	if feed != nil {
		unwatch()
		feed.Close()
	}
}

// keeps returns for how long the session of a connection outlives it.
func (c *conn) keeps(limit time.Duration) time.Duration {
	p := c.client.Properties
	switch {
	case p.ProtocolVersion == 5:
		return min(time.Duration(p.Props.SessionExpiryInterval)*time.Second, limit)
	case p.Clean:
		return 0
	}
	return limit
}

// left reports whether the client has sent a DISCONNECT that drops its will.
func (c *conn) left() bool { return c.client.StopCause() == packets.CodeDisconnect }
