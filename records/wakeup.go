package records

import (
	"context"
	"iter"
	"math"
	"time"

	"github.com/aimdb-go/aimdb/loss"
)

// What sleeps, and what wakes it. The lock of the record guards the lists and
// states, except those of a feed, which its own lock guards. The lock of a feed is
// taken second.
//
//	sleeper               listed in          woken by
//	a reader              Untyped.readers    a write, or a reader that was woken before;
//	                                         its Close; Registry.Close
//	a waiting producer    Untyped.senders    a read that leaves a quarter of the buffer
//	                                         free; the Close of a reader; Registry.Close
//	a feed that sleeps    Feed.sleeping      a record that is queued; Close
//	a feed that lingers   -                  the end of feedLinger; a ring half of which is
//	                                         unread; a producer that waits; Close
//
// A write calls wake if its number has reached wakeAt:
//
//	wakeAt      set by                                               until
//	always      a reader that goes to sleep; a feed that attaches    the next write
//	            to the record or has read from it; Close
//	a number    wake, for a feed to be woken when half of the        the write of that number
//	            ring is unread
//	never       wake, if no write has to wake anything               something sets always
//
// A feed cursor has one of three states:
//
//	state             next      on
//	idle              queued    a write; it wakes the feed if that sleeps
//	queued            urgent    a write that leaves half of the ring unread; it wakes the
//	                            feed if that lingers
//	queued, urgent    idle      a turn of the feed that reads all values
//	queued, urgent    queued    a turn of the feed that leaves values
const (
	always = 0
	never  = math.MaxInt64
)

// feedState is the state of a feed cursor.
type feedState uint8

const (
	idle feedState = iota
	queued
	urgent
)

// waiter is a goroutine that sleeps until a record changes. It is in at most
// one list.
type waiter struct {
	ready      chan struct{} // one slot
	next, prev *waiter       // nil if it is in no list
	// since is the number of the newest value when the waiter went to sleep.
	since int64
	// needs are the names of the readers that a producer waits for.
	needs []string
}

// wake ends the sleep of the waiter, or its next one.
func (w *waiter) wake() { wake(w.ready) }

func wake(ready chan struct{}) {
	select {
	case ready <- struct{}{}:
	default:
	}
}

// waitlist is a circular list of waiters. The first has waited longest.
type waitlist struct{ first *waiter }

func (l *waitlist) add(w *waiter) {
	switch {
	case w.next != nil:
	case l.first == nil:
		l.first, w.next, w.prev = w, w, w
	default:
		w.next, w.prev = l.first, l.first.prev
		w.prev.next, w.next.prev = w, w
	}
}

func (l *waitlist) remove(w *waiter) {
	switch {
	case w.next == nil:
		return
	case w.next == w:
		l.first = nil
	case l.first == w:
		l.first = w.next
	}
	w.prev.next, w.next.prev = w.next, w.prev
	w.next, w.prev = nil, nil
}

// all yields the waiters, which may be removed meanwhile.
func (l *waitlist) all() iter.Seq[*waiter] {
	return func(yield func(*waiter) bool) {
		for w, last := l.first, false; w != nil && !last; {
			next := w.next
			last = next == l.first
			if !yield(w) {
				return
			}
			w = next
		}
	}
}

// wakeFirst removes and wakes the first waiter.
func (l *waitlist) wakeFirst() {
	if w := l.first; w != nil {
		l.remove(w)
		w.wake()
	}
}

// wakeAll removes and wakes all.
func (l *waitlist) wakeAll() {
	for l.first != nil {
		l.wakeFirst()
	}
}

// wakeMore wakes up to two waiters that went to sleep before the newest value. A
// write wakes one reader, and each reader that wakes up wakes two more, so that a
// write costs the same for a thousand sleeping readers as for one.
func (l *waitlist) wakeMore(newest int64, closed bool) {
	for range 2 {
		if l.first == nil || (l.first.since >= newest && !closed) {
			return
		}
		l.wakeFirst()
	}
}

// await sleeps until one of the cursors may have something to read, or ctx
// ends. Cursors that are awaited together share a channel.
func await(ctx context.Context, cursors ...*cursor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ready := false
	for _, c := range cursors {
		ready = c.prepareSleep() || ready
	}
	var err error
	if !ready {
		select {
		case <-cursors[0].waiter.ready:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	for _, c := range cursors {
		c.finishSleep()
	}
	return err
}

// prepareSleep adds the cursor to the sleepers, or reports that it need not sleep.
func (c *cursor) prepareSleep() (ready bool) {
	u := c.record
	u.mu.Lock()
	defer u.mu.Unlock()
	if c.unread() || c.closed || u.closed {
		return true
	}
	if c.waiter == nil {
		c.waiter = &waiter{ready: make(chan struct{}, 1)}
	}
	c.waiter.since = u.newest
	u.readers.add(c.waiter)
	u.wakeAt = always
	return false
}

// finishSleep removes the cursor from the sleepers and wakes the next ones.
func (c *cursor) finishSleep() {
	u := c.record
	u.mu.Lock()
	defer u.mu.Unlock()
	if c.waiter != nil {
		u.readers.remove(c.waiter)
	}
	u.readers.wakeMore(u.newest, u.closed)
}

// wake wakes what sleeps until a value comes, and sets wakeAt. Writes call it.
func (u *Untyped) wake() {
	u.readers.wakeFirst()
	u.wakeAt = never
	if u.readers.first != nil {
		u.wakeAt = always
	}
	for c := u.feeds; c != nil; c = c.nextFeed {
		u.wakeAt = min(u.wakeAt, c.wake())
	}
	if u.closed {
		u.countDrop(dropKey{"", loss.ProducedAfterClose}, 1)
		u.wakeAt = always
	}
}

// wake queues the cursor, and wakes its feed if the ring fills up. It returns
// the number of the write that has to call it again.
func (c *feedCursor) wake() int64 {
	if c.state == idle {
		c.state = queued
		c.feed.push(c)
	}
	if c.state == urgent || c.record.config.Kind != Ring {
		return never
	}
	half := max(c.read, 0) + max(1, int64(c.record.capacity)/2)
	if c.record.newest < half {
		return half
	}
	c.state = urgent
	c.feed.wake()
	return never
}

// wakeFeeds wakes the feeds of the record, because a producer waits.
func (u *Untyped) wakeFeeds() {
	for c := u.feeds; c != nil; c = c.nextFeed {
		c.feed.wake()
	}
}

// wakeSenders wakes the producers that have space. They wait for more than one free
// slot, because a switch of goroutines for every value read would be slow.
func (u *Untyped) wakeSenders() {
	enough := max(1, int64(u.capacity)/4)
	woken := int64(0)
	for w := range u.senders.all() {
		if space := u.space(w.needs); space >= enough && woken < space {
			u.senders.remove(w)
			w.wake()
			woken++
		}
	}
}

// wake ends the sleep or linger of the feed, or the next one.
func (f *Feed) wake() { wake(f.ready) }

// sleep returns when there may be something to take.
func (f *Feed) sleep(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if rest := feedLinger - time.Since(f.took); rest > 0 {
		return f.linger(ctx, rest)
	}
	f.mu.Lock()
	if f.closed && f.count == 0 {
		f.mu.Unlock()
		return ErrClosed
	}
	f.sleeping = f.count == 0
	sleeping := f.sleeping
	f.mu.Unlock()
	if !sleeping {
		return nil
	}
	select {
	case <-f.ready:
		return nil
	case <-ctx.Done():
		f.mu.Lock()
		f.sleeping = false
		f.mu.Unlock()
		return ctx.Err()
	}
}

// linger waits for more values to be queued.
func (f *Feed) linger(ctx context.Context, d time.Duration) error {
	if f.timer == nil {
		f.timer = time.NewTimer(d)
	} else {
		f.timer.Reset(d)
	}
	defer f.timer.Stop()
	select {
	case <-f.timer.C:
		f.took = time.Time{}
		return nil
	case <-f.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
