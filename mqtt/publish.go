package mqtt

import (
	"errors"
	"fmt"
	"sync"

	"github.com/aimdb-go/aimdb/ingest"
	"github.com/mochi-mqtt/server/v2/packets"
)

// publish sets the value of a PUBLISH. It returns before the log has the value: the
// acknowledgement waits for it, the next packet does not.
func (c *conn) publish(pk *packets.Packet) {
	name, err := c.keyOf(pk.TopicName)
	if err != nil {
		c.refusePublish(causeTopic, packets.ErrTopicNameInvalid, err)
		return
	}
	qos, id := pk.FixedHeader.Qos, pk.PacketID
	if qos > 0 && !c.acks.reserve(c) {
		return
	}
	if qos == 2 && c.session.repeated(c, id) {
		c.server.counters.duplicates.Add(1)
		return
	}
	pending, err := c.server.writer.SetLogged(c.ctx, c.grants, name, pk.Payload)
	if err != nil {
		if qos == 2 {
			c.session.forget(id)
		}
		if qos > 0 {
			c.acks.release()
		}
		c.refusePublish(ingestCause(err), codeOf(err), err)
		return
	}
	c.server.counters.published.Add(1)
	if qos == 2 {
		c.session.begun(id, pending)
	}
	if qos > 0 {
		c.acks.add(c, ack{id: id, qos: qos, pending: pending})
	}
}

// keyOf returns the key that a topic names.
func (c *conn) keyOf(topic string) (string, error) {
	if topic == c.topic && topic != "" {
		return c.key, nil
	}
	name, err := c.server.topics.key(topic)
	if err == nil {
		c.topic, c.key = topic, name
	}
	return name, err
}

// refusePublish ends the connection because of a message, once the messages before it are
// acknowledged.
func (c *conn) refusePublish(cause string, code packets.Code, err error) {
	if c.ctx.Err() != nil {
		return // nobody refused it: the connection had ended
	}
	c.acks.awaitEmpty(c)
	c.refuse(cause, code, err)
}

// ingestCause returns the name of the cause of a value that was not set.
func ingestCause(err error) string {
	var r *ingest.Refusal
	if errors.As(err, &r) {
		return r.Cause.String()
	}
	return causeBusy // the database stops
}

// ack is a message that waits for the log.
type ack struct {
	id      uint16
	qos     byte
	pending ingest.Pending
}

// acks are the messages of a connection that wait for the log, in the order in which they
// came. A goroutine of the connection acknowledges them while there are any.
type acks struct {
	mu      sync.Mutex
	waiting []ack
	spare   []ack
	// outstanding counts those that the client may take for in flight, unsent those whose
	// acknowledgement is not written.
	outstanding, unsent int
	running             bool
	// stopped is true once no further message is taken.
	stopped bool
	room    chan struct{} // one slot, for the goroutine that reads
	drained chan struct{} // one slot, for the goroutine that stops the connection
}

// reserve waits until the client may have one more message in flight, and counts it. A client
// of MQTT 5 was told how many, and is disconnected. It returns false if the connection ends.
func (a *acks) reserve(c *conn) bool {
	limit := c.server.config.Limits.InFlight
	for {
		a.mu.Lock()
		stopped, room := a.stopped, a.outstanding < limit
		if !stopped && room {
			a.outstanding++
			a.unsent++
		}
		a.mu.Unlock()
		switch {
		case stopped:
			return false
		case room:
			return true
		case c.v5():
			c.refuse(causeProtocol, packets.ErrReceiveMaximum, fmt.Errorf("it has more than %d messages in flight, its receive maximum", limit))
			return false
		}
		select {
		case <-a.room:
		case <-c.ctx.Done():
			return false
		}
	}
}

// release gives back what reserve has counted.
func (a *acks) release() {
	a.done(&a.outstanding)
	a.done(&a.unsent)
}

// awaitEmpty waits until all messages are acknowledged, or the connection ends.
func (a *acks) awaitEmpty(c *conn) {
	for !a.empty() {
		select {
		case <-a.room:
		case <-c.ctx.Done():
			return
		}
	}
}

func (a *acks) empty() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.unsent == 0
}

// stop refuses further messages.
func (a *acks) stop() {
	a.mu.Lock()
	a.stopped = true
	a.mu.Unlock()
}

// add makes a message that was reserved wait for the log.
func (a *acks) add(c *conn, k ack) {
	a.mu.Lock()
	a.waiting = append(a.waiting, k)
	start := !a.running
	a.running = true
	a.mu.Unlock()
	if start {
		c.work.Go(func() { a.run(c) })
	}
}

// next returns what waits, nil if nothing does.
func (a *acks) next() []ack {
	a.mu.Lock()
	defer a.mu.Unlock()
	batch := a.waiting
	a.waiting, a.spare = a.spare[:0], batch
	a.running = len(batch) > 0
	if !a.running && cap(a.spare) > 64 {
		a.waiting, a.spare = nil, nil
	}
	return batch
}

// done counts one message less.
func (a *acks) done(count *int) {
	a.mu.Lock()
	*count--
	a.mu.Unlock()
	for _, slot := range [...]chan struct{}{a.room, a.drained} {
		select {
		case slot <- struct{}{}:
		default:
		}
	}
}

// run acknowledges what waits.
func (a *acks) run(c *conn) {
	c.hold()
	defer c.release()
	for batch := a.next(); len(batch) > 0; batch = a.next() {
		for _, k := range batch {
			if !c.acknowledge(k) {
				clear(batch)
				return // a.running stays true: the connection ends
			}
		}
		clear(batch)
	}
}

// acknowledge waits until the log has a value, and tells the client.
func (c *conn) acknowledge(k ack) bool {
	if !k.pending.Settled() { // the client gets what was acknowledged before
		c.release()
		defer c.hold()
	}
	if err := k.pending.Wait(c.ctx); err != nil {
		if c.ctx.Err() != nil {
			return false
		}
		if k.qos == 2 {
			c.session.forget(k.id)
		}
		c.refuse(ingestCause(err), codeOf(err), err)
		if c.stopping.Load() {
			c.cancel() // nothing more is acknowledged
		}
		return false
	}
	kind := packets.Puback
	if k.qos == 2 {
		kind = packets.Pubrec
		c.session.logged(k.id)
	}
	c.acks.done(&c.acks.outstanding) // before the client knows, which may then send one more
	if err := c.send(kind, k.id); err != nil {
		return false
	}
	c.acks.done(&c.acks.unsent)
	c.server.counters.acknowledged.Add(1)
	return true
}

// send sends an acknowledgement. The connection is closed after an error.
func (c *conn) send(kind byte, id uint16) error {
	return c.client.WritePacket(packets.Packet{FixedHeader: packets.FixedHeader{Type: kind}, PacketID: id})
}
