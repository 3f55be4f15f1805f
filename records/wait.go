package records

import "context"

// waiter is somebody who sleeps until a record changes. It is in at most one
// list at a time.
type waiter struct {
	wake       chan struct{} // one slot; nil until it first waits
	next, prev *waiter
	listed     bool
	// since is the number of the newest value when the waiter went to sleep.
	since int64
	// needs are the names of the readers whose room a waiting producer needs.
	needs []string
}

// signal wakes the waiter, or lets its next sleep end at once.
func (w *waiter) notify() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// waitlist holds waiters, the longest waiting first. It is guarded by the lock
// of its record.
type waitlist struct{ first, last *waiter }

func (l *waitlist) add(w *waiter) {
	if w.listed {
		return
	}
	if w.wake == nil {
		w.wake = make(chan struct{}, 1)
	}
	w.listed, w.next, w.prev = true, nil, l.last
	if l.last == nil {
		l.first = w
	} else {
		l.last.next = w
	}
	l.last = w
}

func (l *waitlist) remove(w *waiter) {
	if !w.listed {
		return
	}
	if w.prev == nil {
		l.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.listed, w.next, w.prev = false, nil, nil
}

// wakeFirst takes the longest waiting out of the list and wakes it.
func (l *waitlist) wakeFirst() {
	if w := l.first; w != nil {
		l.remove(w)
		w.notify()
	}
}

// wakeAll empties the list.
func (l *waitlist) wakeAll() {
	for l.first != nil {
		l.wakeFirst()
	}
}

// passOn wakes up to two waiters that do not know of the newest value yet. A
// writer wakes one reader only, and each reader that wakes up wakes two more,
// so that a thousand waiting readers cost the writer no more than one.
func (l *waitlist) passOn(newest int64, closed bool) {
	for range 2 {
		if l.first == nil || (l.first.since >= newest && !closed) {
			return
		}
		l.wakeFirst()
	}
}

// await sleeps until one of the cursors may have something to read, or ctx
// ends. Cursors that are awaited together share their wake channel.
func await(ctx context.Context, cursors ...*cursor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ready := false
	for _, c := range cursors {
		ready = c.arm() || ready
	}
	var err error
	if !ready {
		select {
		case <-cursors[0].wake:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	for _, c := range cursors {
		c.disarm()
	}
	return err
}

// arm lists the cursor as waiting, or says that there is no need to wait.
func (c *cursor) arm() (ready bool) {
	h := c.handle
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.unread() || c.closed || h.closed {
		return true
	}
	c.since = h.newest
	h.readers.add(&c.waiter)
	h.alarm = always
	return false
}

// disarm ends the waiting and lets the next ones know.
func (c *cursor) disarm() {
	h := c.handle
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readers.remove(&c.waiter)
	h.readers.passOn(h.newest, h.closed)
}
