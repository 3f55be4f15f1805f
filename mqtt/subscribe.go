package mqtt

import (
	"slices"

	"github.com/aimdb-go/aimdb/records"
	broker "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// readerName names the readers of subscribers in metrics.
const readerName = "mqtt"

// selected is a record that a session has subscribed to.
type selected struct {
	topic string
	qos   byte
	ids   []int // of the subscriptions of MQTT 5
	// after is the number of the newest value that the client does not get, or got as
	// retained: the record had it before. sent is that of the newest value that it got.
	after, sent uint64
	// retained are the filters for which the newest value is to be sent: at once if nothing
	// else was, which fresh says, and otherwise in its place, with or after the value number
	// due.
	retained []string
	fresh    bool
	due      uint64
	// away is the number of the newest value when the client came back.
	away uint64
	// paused is true for a record whose values are not queued for a client that is away.
	paused bool
}

// refusesFilter returns why a client may not subscribe to a filter. What is below wildcards
// is decided for each record.
func (c *conn) refusesFilter(filter string) packets.Code {
	if !broker.IsValidFilter(filter, false) {
		return packets.ErrTopicFilterInvalid
	}
	if broker.IsSharedFilter(filter) {
		return packets.ErrSharedSubscriptionsNotSupported
	}
	name, exact := c.server.topics.exact(filter)
	if exact && !c.grants.Reads(name) {
		return packets.ErrNotAuthorized
	}
	c.session.mu.Lock()
	defer c.session.mu.Unlock()
	_, known := c.session.filters[filter]
	if !known && len(c.session.filters)+len(c.subscribed) >= c.server.config.Limits.Subscriptions {
		return packets.ErrQuotaExceeded
	}
	return packets.CodeSuccess
}

// subscribe adds subscriptions. Values that come after it are sent, after the newest one.
func (u *session) subscribe(c *conn, subs []packets.Subscription) {
	if len(subs) == 0 {
		return
	}
	u.mu.Lock()
	if u.conn != c || u.ended {
		u.mu.Unlock()
		return
	}
	known := u.open()
	for _, sub := range subs {
		_, existed := u.filters[sub.Filter]
		u.filters[sub.Filter] = sub
		retain := sub.RetainHandling == 0 || sub.RetainHandling == 1 && !existed
		for _, r := range u.candidates(sub.Filter) {
			if m, fresh := u.selectRecord(r); m != nil && retain && matches(sub.Filter, m.topic) {
				u.retain(r, m, sub.Filter, fresh)
			}
		}
	}
	if c.interrupt != nil {
		c.interrupt()
	}
	u.mu.Unlock()
	if !known {
		c.work.Go(func() { u.deliver(c) })
	}
}

// retain makes the newest value of a record be sent for a filter, once however often the
// client asks before it has it. The caller holds the lock.
func (u *session) retain(r *records.Untyped, m *selected, filter string, fresh bool) {
	if fresh {
		m.fresh = true
	}
	if len(m.retained) == 0 {
		u.retained = append(u.retained, r)
	}
	if !slices.Contains(m.retained, filter) {
		m.retained = append(m.retained, filter)
	}
}

// candidates returns the records that a filter can select.
func (u *session) candidates(filter string) []*records.Untyped {
	name, exact := u.server.topics.exact(filter)
	if !exact {
		return u.server.registry.Records()
	}
	if r, ok := u.server.registry.Lookup(name); ok {
		return []*records.Untyped{r}
	}
	return nil
}

// open makes the feed. It reports whether there was one. The caller holds the lock.
func (u *session) open() bool {
	if u.feed != nil {
		return true
	}
	u.filters, u.selected = make(map[string]packets.Subscription), make(map[*records.Untyped]*selected)
	u.feed = u.server.registry.NewFeed(readerName, nil)
	u.unwatch = u.server.registry.OnAdd(func(r *records.Untyped) {
		u.mu.Lock()
		defer u.mu.Unlock()
		if !u.ended {
			u.selectRecord(r)
		}
	})
	return false
}

// selectRecord makes the feed read a record if a subscription selects it and the client may
// read it; otherwise it returns nil. fresh is true if the feed did not read it. The caller
// holds the lock.
func (u *session) selectRecord(r *records.Untyped) (m *selected, fresh bool) {
	if !r.Config().Remote || !u.grants.Reads(r.Key()) {
		return nil, false
	}
	m = u.selected[r]
	topic := ""
	if m != nil {
		topic = m.topic
	} else {
		topic = u.server.topics.of(r.Segments())
	}
	found, qos, ids := false, byte(0), []int(nil)
	for _, sub := range u.filters {
		if !matches(sub.Filter, topic) {
			continue
		}
		found, qos = true, max(qos, sub.Qos)
		if sub.Identifier > 0 {
			ids = append(ids, sub.Identifier)
		}
	}
	if !found {
		return nil, false
	}
	if m == nil {
		m, fresh = &selected{topic: topic}, true
		u.selected[r] = m
		u.feed.Add(r)
		u.feed.Resume(r) // it may have been unsubscribed
		m.after = r.Produced()
		m.sent = m.after
	}
	m.qos, m.ids = qos, ids
	slices.Sort(m.ids)
	return m, fresh
}

// unsubscribe removes subscriptions and returns a code for each.
func (u *session) unsubscribe(c *conn, filters packets.Subscriptions) []byte {
	codes := make([]byte, len(filters))
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, sub := range filters {
		if _, ok := u.filters[sub.Filter]; !ok || u.conn != c {
			codes[i] = packets.CodeNoSubscriptionExisted.Code
			continue
		}
		delete(u.filters, sub.Filter)
	}
	u.reselect()
	return codes
}

// reselect drops the records that no subscription selects, and that the client may not read.
// The caller holds the lock.
func (u *session) reselect() {
	for r := range u.selected {
		if m, _ := u.selectRecord(r); m == nil {
			delete(u.selected, r)
			u.feed.Pause(r)
		}
	}
}

// pauseUnqueued stops reading the records whose values are not queued while the client is
// away, those of QoS 0. The caller holds the lock.
func (u *session) pauseUnqueued() {
	for r, m := range u.selected {
		if m.paused = m.qos == 0; m.paused {
			u.feed.Pause(r)
		}
	}
}

// resume continues the subscriptions over a new connection.
func (u *session) resume(c *conn) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.conn != c || u.ended || u.feed == nil {
		return
	}
	for r := range u.selected { // the grants may be others
		if m, _ := u.selectRecord(r); m == nil {
			delete(u.selected, r)
			u.feed.Pause(r)
			continue
		}
		m := u.selected[r]
		if m.paused {
			m.paused = false
			u.feed.Resume(r)
			m.after = r.Produced()
			m.sent = m.after
		}
		m.away = r.Produced()
	}
	c.work.Go(func() { u.deliver(c) })
}
