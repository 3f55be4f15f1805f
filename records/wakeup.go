package records

import (
	"context"
	"iter"
	"math"
	"time"

	"github.com/aimdb-go/aimdb/loss"
)

// This file says who sleeps and who wakes whom. Everything but the sleeping
// itself happens under the lock of the record; what belongs to a feed is under
// the lock of the feed, which is taken second.
//
//	sleeper               sleeps in          is woken by
//	a reader              Untyped.readers    a write, or a reader that has been woken; its
//	                                         own Close; Registry.Close
//	a waiting producer    Untyped.senders    a read that leaves a quarter of the buffer free;
//	                                         the Close of a reader; Registry.Close
//	a feed, sleeping      Feed.ready         the next record that gets a value; Close
//	a feed, lingering     Feed.ready         feedLinger; a ring half of which is unread; a
//	                                         waiting producer; Close
//
// A write compares its number with wakeAt and calls wake from there on:
//
//	wakeAt    set by                                             until
//	always    a reader that goes to sleep, a feed that starts    the next write
//	          with a record or has read from it, Close
//	number    wake, if a feed must be woken when half of the     the write with that number
//	          ring is unread
//	never     wake, if nobody is left to be woken                somebody sets always
//
// A feed cursor is in one of three states:
//
//	state     next       after
//	idle      queued     a write: the feed is woken if it sleeps
//	queued    urgent     a write that leaves half of the ring unread: a feed that lingers
//	                     is woken
//	queued    idle       the feed has read all values
//	urgent    idle       the same
//	urgent    queued     the feed has read some values and queues the record again
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

// waitlist is a list of waiters that is closed to a circle, the longest waiting
// first.
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

// wakeFirst removes and wakes the longest waiting.
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

// wakeMore wakes up to two waiters that do not know of the newest value yet. A
// write wakes one reader only, and each reader that wakes up wakes two more, so
// that a thousand sleeping readers cost a write no more than one.
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

// prepareSleep lists the cursor as a sleeper, or reports that there is no need
// to sleep.
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

// finishSleep takes the cursor out of the list and wakes the next ones.
func (c *cursor) finishSleep() {
	u := c.record
	u.mu.Lock()
	defer u.mu.Unlock()
	if c.waiter != nil {
		u.readers.remove(c.waiter)
	}
	u.readers.wakeMore(u.newest, u.closed)
}

// wake wakes those who wait for a value, and sets wakeAt. A write calls it.
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

// wakeSenders wakes the producers that have space. A switch of goroutines for
// every value read would be slow, so they wait until some space is free.
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

// wake ends the sleep or the linger of the feed, or the next one.
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
