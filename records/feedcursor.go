package records

// feedCursor is the cursor of a feed in one record. The lock of the record guards
// it, the lock of the feed guards nextQueued.
type feedCursor struct {
	cursor
	feed *Feed
	// nextFeed links the feeds of the record, nextQueued the queue of the feed.
	nextFeed, nextQueued *feedCursor
	// attached is false while the feed is paused or closed. The state can be
	// queued then.
	attached bool
	state    feedState
}

// attach attaches the cursor, before the first value or before the next one. It
// does nothing after Close of the feed.
func (c *feedCursor) attach(all bool) {
	u := c.record
	u.mu.Lock()
	defer u.mu.Unlock()
	if c.attached || c.feed.isClosed() {
		return
	}
	c.attached = true
	if !all {
		c.read = u.newest
	}
	c.gap = 0
	u.attach(&c.cursor)
	c.nextFeed = u.feeds
	u.feeds = c
	u.wakeAt = always
	if c.unread() {
		c.wake()
	}
}

// detach detaches the cursor. It stays in the queue and take finds nothing.
func (c *feedCursor) detach() {
	u := c.record
	u.mu.Lock()
	defer u.mu.Unlock()
	if !c.attached {
		return
	}
	c.attached = false
	u.detach(&c.cursor)
	for at := &u.feeds; *at != nil; at = &(*at).nextFeed {
		if *at == c {
			*at = c.nextFeed
			break
		}
	}
	u.wakeSenders()
}

// take reads up to len(dst) values and queues the record again if there are more.
func (c *feedCursor) take(dst []Item) int {
	u := c.record
	box := u.typed.newBox()
	for n := range dst {
		u.mu.Lock()
		slot := -1
		if c.attached {
			slot = c.advance()
		}
		if slot < 0 {
			c.state, u.wakeAt = idle, always
			u.mu.Unlock()
			return n
		}
		s := c.capture(slot, box)
		u.mu.Unlock()
		dst[n] = Item{Record: u, Encoded: c.encode(s, box)}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	c.state, u.wakeAt = idle, always
	if c.attached && c.unread() {
		c.state = queued
		c.feed.push(c)
	}
	return len(dst)
}
