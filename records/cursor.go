package records

import "math"

// beginning is the position of a cursor that wants all that is kept, refilled
// values included.
const beginning = math.MinInt64 / 2

// cursor is the place of one reader in one record, guarded by the record's
// lock.
type cursor struct {
	// waiter is nil until the reader first sleeps.
	waiter *waiter
	// handle is the record, set once.
	handle *Untyped
	name   string
	// read is the number of the last value read or given up.
	read int64
	// time is the write time of the last value read.
	time int64
	// missed counts the values given up, gap those since the last one read.
	missed, gap uint64
	// unencodable counts the values JSON could not carry.
	unencodable uint64
	// encodes is true for readers that share the JSON of a value.
	encodes bool
	// peeks is true for readers that leave the value in a mailbox.
	peeks  bool
	closed bool
	// log is true for the reader that brings values to the log, stage for
	// those of stages.
	log, stage bool
	// older and newer link the readers of the record.
	older, newer *cursor
}

// unread reports whether there is something to read.
func (c *cursor) unread() bool { return c.read < c.handle.newest && c.handle.kept() > 0 }

// lag returns how many produced values the cursor has not read. What somebody
// else took from a mailbox is not waited for.
func (c *cursor) lag() int64 {
	if !c.unread() {
		return 0
	}
	return c.handle.newest - max(c.read, 0)
}

// advance moves to the next value and returns its slot, or -1 if there is none.
func (c *cursor) advance() int {
	h := c.handle
	back := int(h.newest - c.read) // how far the next value is behind the end
	if uint(back-1) >= uint(h.capacity) || c.read < h.gone {
		if back = min(back, h.kept()); back <= 0 {
			return -1
		}
		c.skip(h.oldest())
	}
	c.read++
	h.consumed++
	slot := h.next - back
	if slot < 0 {
		slot += h.capacity
	}
	if h.trackReads {
		c.afterRead()
	}
	return slot
}

// afterRead does what only some records need.
func (c *cursor) afterRead() {
	h := c.handle
	if h.config.Kind == Mailbox && !c.peeks {
		h.gone = h.newest
		h.taken++
	}
	if h.senders.first != nil {
		h.wakeSenders()
	}
}

// skip moves a cursor that is too far behind to just before the oldest value.
// In a ring that is a loss, elsewhere the values have collapsed.
func (c *cursor) skip(oldest int64) {
	h := c.handle
	from, to := max(c.read, 0)+1, oldest-1
	c.read = oldest - 1
	if to < from {
		return
	}
	if h.config.Kind == Ring {
		c.missed += uint64(to - from + 1)
		c.gap += uint64(to - from + 1)
	}
	if c.log {
		h.skippedByLog(uint64(from), uint64(to), c.time)
	}
}

// attach adds the cursor to the readers of its record.
func (h *Untyped) attach(c *cursor) {
	c.older = h.cursors
	if c.older != nil {
		c.older.newer = c
	}
	h.cursors = c
	h.readerCount++
	if c.encodes {
		h.encoders++
	}
	h.noteAttached(c)
}

// attachNamed is attach for a cursor without a name.
func (h *Untyped) attachNamed(c *cursor, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.name = name
	h.attach(c)
}

// detach removes the cursor and keeps its counts.
func (h *Untyped) detach(c *cursor) {
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		h.cursors = c.older
	}
	if c.older != nil {
		c.older.newer = c.newer
	}
	c.older, c.newer = nil, nil
	h.readerCount--
	if c.encodes {
		h.encoders--
	}
	h.keepDrops(c)
	c.missed, c.unencodable = 0, 0
}

// close ends the reader; it may be called more than once and from any goroutine.
func (c *cursor) close() {
	h := c.handle
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	h.detach(c)
	c.read = math.MaxInt64 // nothing is unread any more
	if c.waiter != nil {
		h.readers.remove(c.waiter)
		c.waiter.wake()
	}
	h.wakeSenders()
}
