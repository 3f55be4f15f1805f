package records

import "math"

// beginning is before all values, refilled ones included.
const beginning = math.MinInt64 / 2

// cursor is how far one reader has read one record. The lock of the record guards
// it.
type cursor struct {
	// waiter is nil until the reader first sleeps.
	waiter *waiter
	// record does not change.
	record *Untyped
	name   string
	// read is the number of the last value read or missed.
	read int64
	// time is the write time of the last value read.
	time int64
	// missed counts the values missed, gap those since the last value read.
	missed, gap uint64
	// unencodable counts the values that JSON could not carry.
	unencodable uint64
	// encodes is true for readers that share the JSON of a value.
	encodes bool
	// onDemand is true for readers that nobody waits for.
	onDemand bool
	// peeks is true for readers that leave the value in a mailbox.
	peeks  bool
	closed bool
	// log is true for the reader that writes to the log, stage for stages.
	log, stage bool
	// older and newer link the cursors of the record.
	older, newer *cursor
}

// unread reports whether there is something to read.
func (c *cursor) unread() bool { return c.read < c.record.newest && c.record.kept() > 0 }

// lag returns how many produced values the cursor has not read. A value that
// another reader took from a mailbox does not count.
func (c *cursor) lag() int64 {
	if !c.unread() {
		return 0
	}
	return c.record.newest - max(c.read, 0)
}

// advance moves to the next value and returns its slot, or -1 if there is none.
func (c *cursor) advance() int {
	u := c.record
	back := int(u.newest - c.read) // the next value is the back-th newest
	if uint(back-1) >= uint(u.capacity) || c.read < u.gone {
		if back = min(back, u.kept()); back <= 0 {
			return -1
		}
		c.skip(u.oldest())
	}
	c.read++
	u.consumed++
	slot := u.next - back
	if slot < 0 {
		slot += u.capacity
	}
	if u.trackReads {
		c.afterRead()
	}
	return slot
}

// afterRead empties a mailbox and wakes producers that wait for space.
func (c *cursor) afterRead() {
	u := c.record
	if u.config.Kind == Mailbox && !c.peeks {
		u.gone = u.newest
		u.taken++
	}
	if u.senders.first != nil {
		u.wakeSenders()
	}
}

// skip moves a cursor to just before the oldest value kept. The values between are
// missed in a ring, superseded elsewhere.
func (c *cursor) skip(oldest int64) {
	u := c.record
	from, to := max(c.read, 0)+1, oldest-1
	c.read = oldest - 1
	if to < from {
		return
	}
	if u.config.Kind == Ring {
		c.missed += uint64(to - from + 1)
		c.gap += uint64(to - from + 1)
	}
	if c.log {
		u.skippedByLog(uint64(from), uint64(to), c.time)
	}
}

// attach adds the cursor to those of its record.
func (u *Untyped) attach(c *cursor) {
	c.older = u.cursors
	if c.older != nil {
		c.older.newer = c
	}
	u.cursors = c
	u.readerCount++
	if c.encodes {
		u.encoders++
	}
	u.noteAttached(c)
}

// attachNamed names and attaches a cursor.
func (u *Untyped) attachNamed(c *cursor, name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c.name = name
	u.attach(c)
}

// detach removes the cursor and adds its counts to those of the record.
func (u *Untyped) detach(c *cursor) {
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		u.cursors = c.older
	}
	if c.older != nil {
		c.older.newer = c.newer
	}
	c.older, c.newer = nil, nil
	u.readerCount--
	if c.encodes {
		u.encoders--
	}
	u.keepDrops(c)
	c.missed, c.unencodable = 0, 0
}

// close ends the reader. It may be called more than once and from any goroutine.
func (c *cursor) close() {
	u := c.record
	u.mu.Lock()
	defer u.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	u.detach(c)
	c.read = math.MaxInt64 // nothing is unread any more
	if c.waiter != nil {
		u.readers.remove(c.waiter)
		c.waiter.wake()
	}
	u.wakeSenders()
}
