package records

import (
	"context"
	"fmt"
	"github.com/aimdb-go/aimdb/loss"
)

// Encoded is a value as JSON.
type Encoded struct {
	// JSON is the value, compact and without HTML escapes. It is shared with
	// other readers and must not be changed. It is nil if Err is set.
	JSON []byte
	// Time is the time of the write in Unix milliseconds, 0 if the record keeps
	// none.
	Time int64
	// Timed says that the values of the record have times of their own and that this reader
	// is the log. Event is that of this value in Unix milliseconds: Time if the value has
	// none, or one that cannot be stored.
	Timed bool
	Event int64
	// Number is the number of the value in its record, from 1. It is 0 for a
	// refilled value.
	Number uint64
	// Missed is how many values the reader missed right before this one.
	Missed uint64
	// Err is why JSON cannot carry the value. The reader continues with the
	// next one.
	Err error
}

// EncodedReader reads one record as JSON. It encodes on its own goroutine, and each
// value once for all encoded readers. One goroutine at a time may use it; Close and
// Missed are safe for concurrent use.
type EncodedReader struct {
	cursor
	box any
}

// Subscribe adds an encoded reader. It starts where a reader of Record.Subscribe
// starts.
func (u *Untyped) Subscribe(name string) *EncodedReader {
	r := &EncodedReader{box: u.typed.newBox()}
	r.encodes = true
	u.subscribe(&r.cursor, name)
	return r
}

// SubscribeOnDemand adds an encoded reader that is read now and then, if at all.
// Producers do not wait for it, whatever its name, and what it has not read does not
// count as Metrics.Unread.
func (u *Untyped) SubscribeOnDemand(name string) *EncodedReader {
	r := &EncodedReader{box: u.typed.newBox()}
	r.onDemand = true
	u.subscribe(&r.cursor, name)
	return r
}

// Skip makes the reader continue with the next value produced. What it skips does not
// count as missed.
func (r *EncodedReader) Skip() {
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	r.read = max(r.read, r.record.newest)
}

// TryReceive returns the next value if there is one.
func (r *EncodedReader) TryReceive() (Encoded, bool) {
	u := r.record
	u.mu.Lock()
	slot := r.advance()
	if slot < 0 {
		u.mu.Unlock()
		return Encoded{}, false
	}
	s := r.capture(slot, r.box)
	u.mu.Unlock()
	return r.encode(s, r.box), true
}

// Receive waits for the next value, as Reader.Receive does.
func (r *EncodedReader) Receive(ctx context.Context) (Encoded, error) {
	e, ok := r.TryReceive()
	for !ok {
		err := r.wait(ctx)
		if e, ok = r.TryReceive(); !ok && err != nil {
			return Encoded{}, err
		}
	}
	return e, nil
}

// Missed returns how many values the reader missed because it was too slow.
func (r *EncodedReader) Missed() uint64 {
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	return r.missed
}

// Close ends the reader. A Receive that waits returns ErrClosed.
func (r *EncodedReader) Close() { r.close() }

// captured is what a reader copies under the lock to encode a value after it.
type captured struct {
	number, time int64
	gap          uint64
	shared       *sharedJSON
}

// capture copies the value that the cursor has advanced to.
func (c *cursor) capture(slot int, box any) captured {
	u := c.record
	s := captured{number: c.read, time: u.time(slot), gap: c.gap}
	c.gap, c.time = 0, s.time
	u.typed.load(slot, box)
	switch {
	case u.kept() == 0:
		u.typed.clear(slot) // taken from a mailbox
	case c.encodes:
		s.shared = u.share(c.read, slot)
	default: // no JSON is kept for a reader that may never come
		s.shared = u.json.find(c.read, slot)
	}
	return s
}

// encode encodes a captured value. The caller does not hold the lock.
func (c *cursor) encode(s captured, box any) Encoded {
	u := c.record
	e := Encoded{Time: s.time, Number: uint64(max(s.number, 0)), Missed: s.gap}
	if s.shared != nil {
		e.JSON, e.Err = s.shared.encode(u, box)
	} else {
		e.JSON, e.Err = u.registry.encode(box, u.shape)
	}
	if e.Err != nil {
		e.Err = fmt.Errorf("record %q: value %d is lost: JSON cannot carry it: %w", u.key.String(), e.Number, e.Err)
		u.cannotEncode(c, e)
	} else if c.log && u.EventTimed() {
		u.setEvent(&e, box)
	}
	return e
}

// cannotEncode counts a value that JSON cannot carry, and logs the first of the
// record.
func (u *Untyped) cannotEncode(c *cursor, e Encoded) {
	u.mu.Lock()
	first := !u.warned
	u.warned = true
	if c.closed {
		u.countDrop(dropKey{c.name, loss.NotEncodable}, 1)
	} else {
		c.unencodable++
	}
	if c.log {
		u.addLoss(loss.Loss{Record: u.key.String(), Cause: loss.NotEncodable, Count: 1, From: e.Number, To: e.Number, FirstTime: e.Time, LastTime: e.Time})
		u.acks.settle(e.Number, e.Number, func(number uint64) error {
			return &LostError{Record: u.key.String(), Number: number, Cause: loss.NotEncodable, Err: e.Err}
		})
	}
	u.mu.Unlock()
	if first {
		u.registry.options.Logger.Warn("a value cannot be encoded; further ones of this record are only counted",
			"record", u.key.String(), "reader", c.name, "number", e.Number, "error", e.Err)
	}
}
