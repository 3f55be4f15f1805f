package mqtt

import "github.com/aimdb-go/aimdb/ingest"

// received is a message of QoS 2 that the client has not released. A repeated one is not set
// again.
type received struct {
	// begun is closed once pending is known, or the message was forgotten.
	begun   chan struct{}
	pending ingest.Pending
	logged  bool
}

// repeated reports whether a message was received before, also over an older connection of
// the session, and then acknowledges it as soon as the log has it.
func (u *session) repeated(c *conn, id uint16) bool {
	for {
		u.mu.Lock()
		m, ok := u.received[id]
		if !ok {
			if u.received == nil {
				u.received = make(map[uint16]*received)
			}
			u.received[id] = &received{begun: make(chan struct{})}
			u.mu.Unlock()
			return false
		}
		u.mu.Unlock()
		select {
		case <-m.begun:
		case <-c.ctx.Done():
			return true
		}
		u.mu.Lock()
		same := u.received[id] == m
		u.mu.Unlock()
		if same {
			c.acks.add(c, ack{id: id, qos: 2, pending: m.pending})
			return true
		}
	}
}

// begun notes what a message waits for.
func (u *session) begun(id uint16, p ingest.Pending) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if m := u.received[id]; m != nil {
		m.pending = p
		close(m.begun)
	}
}

// forget drops a message that was not set, or that the log will never have.
func (u *session) forget(id uint16) {
	u.mu.Lock()
	defer u.mu.Unlock()
	m := u.received[id]
	if m == nil {
		return
	}
	delete(u.received, id)
	select {
	case <-m.begun:
	default:
		close(m.begun)
	}
}

// logged notes that the client is told to release a message.
func (u *session) logged(id uint16) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if m := u.received[id]; m != nil {
		m.logged = true
	}
}

// release drops a message that the client has released. It returns false for one that the
// session does not have.
func (u *session) release(id uint16) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	m := u.received[id]
	if m == nil || !m.logged {
		return false
	}
	delete(u.received, id)
	return true
}
