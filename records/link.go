package records

// link is the place of a feed in one record. All but feed is guarded by the
// record's lock.
type feedCursor struct {
	cursor
	feed     *Feed
	nextLink *feedCursor
	// queued is true while the record is in the feed's queue, hurried once
	// the feed was told that a ring fills up, running while it is read.
	queued, hurried, running bool
}

// start attaches the link, for all values since the first or for new ones.
func (l *feedCursor) start(all bool) {
	h := l.handle
	h.mu.Lock()
	defer h.mu.Unlock()
	if l.running {
		return
	}
	l.running = true
	if !all {
		l.read = h.newest
	}
	l.gap = 0
	h.attach(&l.cursor)
	l.nextLink = h.links
	h.links = l
	h.alarm = always
	if l.unread() {
		l.enqueue()
	}
}

// stop detaches the link; what is queued is forgotten when its turn comes.
func (l *feedCursor) stop() {
	h := l.handle
	h.mu.Lock()
	defer h.mu.Unlock()
	if !l.running {
		return
	}
	l.running = false
	h.detach(&l.cursor)
	for at := &h.links; *at != nil; at = &(*at).nextLink {
		if *at == l {
			*at = l.nextLink
			break
		}
	}
	h.letSendersGo()
}

// notify is called by a writer after a new value. It returns the number from
// which on a writer has to call again.
func (l *feedCursor) notify() int64 {
	if !l.queued {
		l.enqueue()
	}
	if l.hurried || l.handle.config.Kind != Ring {
		return never
	}
	// A feed that lingers must not do so until the ring runs over.
	half := max(l.read, 0) + max(1, int64(l.handle.capacity)/2)
	if l.handle.newest < half {
		return half
	}
	l.hurried = true
	l.feed.hurry()
	return never
}

func (l *feedCursor) enqueue() {
	l.queued = true
	l.feed.push(l)
}

// take reads up to len(dst) values and queues the record again if more are
// left.
func (l *feedCursor) take(dst []Item) int {
	h := l.handle
	box := h.typed.box()
	for n := range dst {
		h.mu.Lock()
		slot := -1
		if l.running {
			slot = l.advance()
		}
		if slot < 0 {
			l.rest(false)
			h.mu.Unlock()
			return n
		}
		s := l.capture(slot, box)
		h.mu.Unlock()
		dst[n] = Item{Record: h, Encoded: l.encode(s, box)}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	more := l.running && l.unread()
	l.rest(more)
	if more {
		l.feed.push(l)
	}
	return len(dst)
}

// rest ends a turn; the next writer looks around again.
func (l *feedCursor) rest(queued bool) {
	l.queued, l.hurried = queued, false
	l.handle.alarm = always
}
