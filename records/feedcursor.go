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
	// attached is false while the feed does not read the record. The state
	// stays queued until the turn of the record comes.
	attached bool
	state    feedState
}

// start attaches the cursor before the first value, or before the next one. It
// does nothing after Close of the feed.
func (c *feedCursor) start(all bool) {
	h := c.handle
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.attached || c.feed.isClosed() {
		return
	}
	c.attached = true
	if !all {
		c.read = h.newest
	}
	c.gap = 0
	h.attach(&c.cursor)
	c.nextFeed = h.feeds
	h.feeds = c
	h.wakeAt = always
	if c.unread() {
		c.wake()
	}
}

// stop detaches the cursor. If it is queued, it has nothing when its turn comes.
func (c *feedCursor) stop() {
	h := c.handle
	h.mu.Lock()
	defer h.mu.Unlock()
	if !c.attached {
		return
	}
	c.attached = false
	h.detach(&c.cursor)
	for at := &h.feeds; *at != nil; at = &(*at).nextFeed {
		if *at == c {
			*at = c.nextFeed
			break
		}
	}
	h.wakeSenders()
}

// take reads up to len(dst) values and queues the record again if more are
// left.
func (c *feedCursor) take(dst []Item) int {
	h := c.handle
	box := h.typed.box()
	for n := range dst {
		h.mu.Lock()
		slot := -1
		if c.attached {
			slot = c.advance()
		}
		if slot < 0 {
			c.state, h.wakeAt = idle, always
			h.mu.Unlock()
			return n
		}
		s := c.capture(slot, box)
		h.mu.Unlock()
		dst[n] = Item{Record: h, Encoded: c.encode(s, box)}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c.state, h.wakeAt = idle, always
	if c.attached && c.unread() {
		c.state = queued
		c.feed.push(c)
	}
	return len(dst)
}
