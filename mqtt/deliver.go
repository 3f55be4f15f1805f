package mqtt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aimdb-go/aimdb/records"
	"github.com/mochi-mqtt/server/v2/packets"
)

// message is a message of QoS 1 to a subscriber.
type message struct {
	packet packets.Packet
	// sent is true if it was sent over the present connection.
	sent bool
}

// deliver sends a subscriber what the session has for it, until the connection ends.
func (u *session) deliver(c *conn) {
	u.mu.Lock()
	feed := u.feed
	u.mu.Unlock()
	if feed == nil {
		return
	}
	c.hold()
	ok := u.resend(c)
	c.release()
	if !ok {
		return
	}
	items := make([]records.Item, 64)
	for {
		n, err := u.next(c, feed, items)
		if c.ctx.Err() != nil {
			return
		}
		if err != nil {
			c.refuse(causeBusy, packets.ErrServerShuttingDown, err)
			return
		}
		c.hold()
		ok := u.sendRetained(c) && u.sendItems(c, items[:n])
		c.release()
		clear(items[:n])
		if !ok {
			return
		}
	}
}

// next waits for values, or for records whose newest value is to be sent.
func (u *session) next(c *conn, feed *records.Feed, items []records.Item) (int, error) {
	u.mu.Lock()
	if len(u.retained) > 0 {
		u.mu.Unlock()
		return feed.TryTake(items), nil
	}
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	c.interrupt = cancel
	u.mu.Unlock()
	n, err := feed.Take(ctx, items)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return n, err
}

// sendRetained sends the newest values of records that were subscribed to. Those that were
// subscribed to before have values that come first: sendItems sends the newest one then.
func (u *session) sendRetained(c *conn) bool {
	u.mu.Lock()
	all := u.retained
	u.retained = nil
	u.mu.Unlock()
	for _, r := range all {
		e, ok := r.Newest()
		u.mu.Lock()
		m := u.selected[r]
		if m == nil { // unsubscribed in between
			u.mu.Unlock()
			continue
		}
		if !m.fresh && ok && e.Number > m.sent {
			m.due = e.Number
			u.mu.Unlock()
			continue
		}
		if m.fresh && ok {
			m.after, m.sent = e.Number, e.Number
		}
		m.fresh = false
		out := u.takeRetained(m, e.JSON)
		u.mu.Unlock()
		if ok && e.Err == nil && !u.sendAll(c, out) { // the record counts and logs values that cannot be encoded
			return false
		}
	}
	return true
}

// takeRetained returns a value as retained, once for each filter that waits for it. The caller
// holds the lock.
func (u *session) takeRetained(m *selected, value []byte) (out []packets.Packet) {
	for _, filter := range m.retained {
		sub, ok := u.filters[filter]
		if !ok {
			continue // unsubscribed in between
		}
		p := publication(m.topic, sub.Qos, value)
		p.FixedHeader.Retain = true
		if sub.Identifier > 0 {
			p.Properties.SubscriptionIdentifier = []int{sub.Identifier}
		}
		out = append(out, p)
	}
	m.retained, m.due = nil, 0
	return out
}

func (u *session) sendAll(c *conn, all []packets.Packet) bool {
	for _, p := range all {
		if !u.send(c, p) {
			return false
		}
	}
	return true
}

// publication returns a message to a subscriber.
func publication(topic string, qos byte, value []byte) packets.Packet {
	return packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: qos}, TopicName: topic, Payload: value}
}

// sendItems sends values. A client that misses one because it is slow is disconnected; one
// that was away is told how many it missed, if it speaks MQTT 5.
func (u *session) sendItems(c *conn, items []records.Item) bool {
	for _, item := range items {
		u.mu.Lock()
		m := u.selected[item.Record]
		if m == nil || item.Number <= m.after && item.Number > 0 {
			u.mu.Unlock()
			continue
		}
		p, away := publication(m.topic, m.qos, item.JSON), m.away
		p.Properties.SubscriptionIdentifier = m.ids
		m.fresh, m.sent = false, max(m.sent, item.Number)
		var retained []packets.Packet
		if m.due > 0 && item.Number >= m.due && item.Err == nil {
			retained = u.takeRetained(m, item.JSON)
		}
		u.mu.Unlock()
		if item.Missed > 0 && item.Record.Kind() == records.Ring {
			u.server.counters.missed.Add(item.Missed)
			if item.Number-item.Missed > away {
				c.refuse(causeSlow, packets.ErrQuotaExceeded, fmt.Errorf("it is slower than record %q, and missed %d values", item.Record.Key(), item.Missed))
				return false
			}
			p.Properties.User = []packets.UserProperty{{Key: "missed", Val: strconv.FormatUint(item.Missed, 10)}}
		}
		if item.Err == nil && !(u.send(c, p) && u.sendAll(c, retained)) {
			return false
		}
	}
	return true
}

// send sends a message, and keeps one of QoS 1 until it is acknowledged.
func (u *session) send(c *conn, p packets.Packet) bool {
	if p.FixedHeader.Qos == 0 {
		return u.write(c, p)
	}
	if !u.awaitWindow(c) {
		return false
	}
	u.mu.Lock()
	if u.conn != c {
		u.mu.Unlock()
		return false
	}
	p.PacketID = u.nextID()
	u.unacked = append(u.unacked, &message{packet: p, sent: true})
	u.mu.Unlock()
	return u.write(c, p)
}

// nextID returns a packet ID that no message has. The caller holds the lock.
func (u *session) nextID() uint16 {
	for {
		if u.lastID++; u.lastID == 0 {
			u.lastID = 1
		}
		if u.indexOf(u.lastID) < 0 {
			return u.lastID
		}
	}
}

func (u *session) indexOf(id uint16) int {
	return slices.IndexFunc(u.unacked, func(m *message) bool { return m.packet.PacketID == id })
}

// resend sends again what the client has not acknowledged over an older connection.
func (u *session) resend(c *conn) bool {
	for {
		u.mu.Lock()
		i := slices.IndexFunc(u.unacked, func(m *message) bool { return !m.sent })
		u.mu.Unlock()
		if i < 0 {
			return true
		}
		if !u.awaitWindow(c) {
			return false
		}
		u.mu.Lock()
		i = slices.IndexFunc(u.unacked, func(m *message) bool { return !m.sent })
		if u.conn != c || i < 0 {
			u.mu.Unlock()
			continue
		}
		u.unacked[i].sent = true
		p := u.unacked[i].packet
		u.mu.Unlock()
		p.FixedHeader.Dup = true
		if !u.write(c, p) {
			return false
		}
	}
}

// awaitWindow waits until the client takes one more message.
func (u *session) awaitWindow(c *conn) bool {
	window := u.server.config.Limits.InFlight
	if most := int(c.client.Properties.Props.ReceiveMaximum); most > 0 {
		window = min(window, most)
	}
	for held := true; ; {
		u.mu.Lock()
		inFlight := 0
		for _, m := range u.unacked {
			if m.sent {
				inFlight++
			}
		}
		ours := u.conn == c
		u.mu.Unlock()
		if !ours || inFlight < window {
			return ours
		}
		if held { // the client acknowledges only what it has
			held = false
			c.release()
			defer c.hold()
		}
		select {
		case <-c.window:
		case <-c.ctx.Done():
			return false
		}
	}
}

// acknowledged drops a message that the client has acknowledged.
func (u *session) acknowledged(c *conn, id uint16) {
	u.mu.Lock()
	if i := u.indexOf(id); i >= 0 {
		u.unacked = slices.Delete(u.unacked, i, i+1)
	}
	u.mu.Unlock()
	select {
	case c.window <- struct{}{}:
	default:
	}
}

// write writes a message. The connection is closed after an error.
func (u *session) write(c *conn, p packets.Packet) bool {
	err := c.client.WritePacket(p)
	if errors.Is(err, packets.ErrPacketTooLarge) { // MQTT says to go on as if it had been sent
		u.server.counters.tooLarge.Add(1)
		if p.FixedHeader.Qos > 0 {
			u.acknowledged(c, p.PacketID)
		}
		return true
	}
	if err != nil {
		return false
	}
	u.server.counters.delivered.Add(1)
	return true
}
