package records

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// feedLinger is the time that a feed waits after it has taken values before
	// it can be woken by the next one. Waking a goroutine is the most expensive
	// part of a write. A feed that has been idle for longer is woken at once.
	feedLinger = 500 * time.Microsecond
	// feedTurn is how many values of one record a feed takes before it takes
	// those of the next record.
	feedTurn = 64
)

// Item is a value from a feed.
type Item struct {
	Record *Untyped
	Encoded
}

// Feed reads many records on one goroutine, that of its caller. One goroutine at a
// time may call Take and TryTake; the other methods are safe for concurrent use.
//
// The feed named LogReader reads Logged records from their first value, so that
// values produced before the feed was made reach the log. In all other cases a feed
// starts with the next value. It does not take values from mailboxes. Values of one
// record keep their order; between records there is none.
type Feed struct {
	name     string
	registry *Registry
	ready    chan struct{} // one slot
	// timer ends a linger, took is when the feed last took values.
	timer *time.Timer
	took  time.Time

	mu sync.Mutex
	// cursors are sorted by the ID of the record.
	cursors []*feedCursor
	// head and tail are the ends of the queue of the records with unread values,
	// count is its length.
	head, tail *feedCursor
	count      int
	// sleeping is true while the feed sleeps until a record is queued.
	sleeping, closed bool
}

// NewFeed makes a feed over records of the registry.
func (r *Registry) NewFeed(name string, records []*Untyped) *Feed {
	f := &Feed{name: name, registry: r, ready: make(chan struct{}, 1), cursors: make([]*feedCursor, 0, len(records))}
	cursors := make([]feedCursor, len(records))
	for i, u := range records {
		f.add(u, &cursors[i])
	}
	r.adopt(f)
	return f
}

// Add makes the feed read one more record of its registry. It does nothing if the
// feed already reads the record, or is closed.
func (f *Feed) Add(u *Untyped) { f.add(u, &feedCursor{}) }

func (f *Feed) add(u *Untyped, c *feedCursor) {
	c.feed, c.record, c.name = f, u, f.name
	c.encodes, c.peeks = true, true
	c.log = f.name == LogReader && u.config.Logged
	f.mu.Lock()
	i, known := f.find(u)
	if !known {
		f.cursors = slices.Insert(f.cursors, i, c)
	}
	f.mu.Unlock()
	if !known {
		c.attach(c.log)
	}
}

// TryTake fills dst with values that are there and returns their number.
func (f *Feed) TryTake(dst []Item) int {
	n := 0
	for n < len(dst) {
		c := f.pop()
		if c == nil {
			break
		}
		n += c.take(dst[n:min(len(dst), n+feedTurn)])
	}
	if n > 0 {
		f.took = time.Now()
	}
	return n
}

// Take waits for a value, fills dst with values that are there and returns their
// number. It returns values even if ctx has ended, so that a shutdown can take what
// is left; the error of ctx means that nothing was left. It returns ErrClosed after
// Close of the feed, and after Close of the registry once nothing is left.
func (f *Feed) Take(ctx context.Context, dst []Item) (int, error) {
	for {
		if n := f.TryTake(dst); n > 0 || len(dst) == 0 {
			return n, nil
		}
		if err := f.sleep(ctx); err != nil {
			if n := f.TryTake(dst); n > 0 {
				return n, nil // they came while the sleep ended
			}
			return 0, err
		}
	}
}

// Pending returns the number of records that have unread values.
func (f *Feed) Pending() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// Pause stops reading a record. Until Resume, writes do not wake the feed and
// values do not count as missed.
func (f *Feed) Pause(u *Untyped) {
	if c := f.cursor(u); c != nil {
		c.detach()
	}
}

// Resume continues to read a paused record, with its next value.
func (f *Feed) Resume(u *Untyped) {
	if c := f.cursor(u); c != nil {
		c.attach(false)
	}
}

// cursor returns the cursor of a record, nil if the feed does not read it.
func (f *Feed) cursor(u *Untyped) *feedCursor {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i, known := f.find(u); known {
		return f.cursors[i]
	}
	return nil
}

// find returns the index of the cursor of a record in cursors, or where to insert
// it.
func (f *Feed) find(u *Untyped) (int, bool) {
	return slices.BinarySearchFunc(f.cursors, u.id, func(c *feedCursor, id int32) int { return cmp.Compare(c.record.id, id) })
}

// Close ends the feed. A Take that waits returns ErrClosed.
func (f *Feed) Close() {
	f.end()
	f.mu.Lock()
	cursors := f.cursors
	f.mu.Unlock()
	for _, c := range cursors {
		c.detach()
	}
	f.registry.release(f)
}

// end makes Take return ErrClosed once nothing is left.
func (f *Feed) end() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.wake()
}

func (f *Feed) isClosed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closed
}

// push queues a record with unread values.
func (f *Feed) push(c *feedCursor) {
	f.mu.Lock()
	if f.tail == nil {
		f.head = c
	} else {
		f.tail.nextQueued = c
	}
	f.tail = c
	f.count++
	sleeping := f.sleeping
	f.sleeping = false
	f.mu.Unlock()
	if sleeping {
		f.wake()
	}
}

// pop removes and returns the record that was queued first, nil if there is none.
func (f *Feed) pop() *feedCursor {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.head
	if c == nil {
		return nil
	}
	f.head, c.nextQueued = c.nextQueued, nil
	if f.head == nil {
		f.tail = nil
	}
	f.count--
	return c
}
