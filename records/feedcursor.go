package records

// feedCursor is the cursor of a feed in one record. All but feed is guarded by
// the record's lock, nextQueued by that of the feed.
type feedCursor struct {
	cursor
	feed *Feed
	// nextFeed links the feeds that read the record.
	nextFeed *feedCursor
	// nextQueued links the queue of the feed.
	nextQueued *feedCursor
	// queued is true while the record is in the feed's queue, hurried once
	// the feed was told that a ring fills up, running while it is read.
	queued, hurried, running bool
}

// start attaches the cursor before the first value, or before the next one. It
// does nothing after Close of the feed.
func (c *feedCursor) start(all bool) {
	h := c.handle
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.running || c.feed.isClosed() {
		return
	}
	c.running = true
	if !all {
		c.read = h.newest
	}
	c.gap = 0
	h.attach(&c.cursor)
	c.nextFeed = h.feeds
	h.feeds = c
	h.alarm = always
	if c.unread() && !c.queued {
		c.enqueue()
	}
}

// stop detaches the cursor. If it is queued, it has nothing when its turn comes.
func (c *feedCursor) stop() {
	h := c.handle
	h.mu.Lock()
	defer h.mu.Unlock()
	if !c.running {
		return
	}
	c.running = false
	h.detach(&c.cursor)
	for at := &h.feeds; *at != nil; at = &(*at).nextFeed {
		if *at == c {
			*at = c.nextFeed
			break
		}
	}
	h.letSendersGo()
}

// notify is called by a writer after a new value. It returns the number from
// which on a writer has to call again.
func (c *feedCursor) notify() int64 {
	if !c.queued {
		c.enqueue()
	}
	if c.hurried || c.handle.config.Kind != Ring {
		return never
	}
	// A feed that lingers must not do so until the ring runs over.
	half := max(c.read, 0) + max(1, int64(c.handle.capacity)/2)
	if c.handle.newest < half {
		return half
	}
	c.hurried = true
	c.feed.hurry()
	return never
}

func (c *feedCursor) enqueue() {
	c.queued = true
	c.feed.push(c)
}

// take reads up to len(dst) values and queues the record again if more are
// left.
func (c *feedCursor) take(dst []Item) int {
	h := c.handle
	box := h.typed.box()
	for n := range dst {
		h.mu.Lock()
		slot := -1
		if c.running {
			slot = c.advance()
		}
		if slot < 0 {
			c.rest(false)
			h.mu.Unlock()
			return n
		}
		s := c.capture(slot, box)
		h.mu.Unlock()
		dst[n] = Item{Record: h, Encoded: c.encode(s, box)}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	more := c.running && c.unread()
	c.rest(more)
	if more {
		c.feed.push(c)
	}
	return len(dst)
}

// rest ends a turn; the next writer looks around again.
func (c *feedCursor) rest(queued bool) {
	c.queued, c.hurried = queued, false
	c.handle.alarm = always
}
