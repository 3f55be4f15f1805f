package records

import (
	"context"
	"sync"
	"time"
)

const (
	// feedLinger is the least time between two wake-ups of a feed that has
	// read all. Waking a goroutine costs a producer more than everything else
	// it does, so under load it should happen seldom; a feed that was idle is
	// woken at once.
	feedLinger = 500 * time.Microsecond
	// feedTurn is how many values of one record a feed takes before others
	// get their turn.
	feedTurn = 64
)

// Item is a value of one of the records of a feed.
type Item struct {
	Record *Untyped
	Encoded
}

// Feed reads many records behind one goroutine. It has no goroutine of its own
// and costs nothing while nothing is produced. Take and TryTake are for one
// goroutine at a time; the other methods are safe for concurrent use.
//
// A Logged record is read from its first value, so that what was produced
// before the feed was made reaches the log; all others from the next value. A
// feed looks into mailboxes and takes nothing out. The write order of each
// record is kept; between records there is none.
type Feed struct {
	name     string
	registry *Registry
	links    []feedCursor
	byID     []*feedCursor
	wake     chan struct{}
	timer    *time.Timer
	last     time.Time

	mu sync.Mutex
	// queue is a ring buffer of records with unread values, each at most once.
	queue       []*feedCursor
	head, count int
	// armed is true while the feed sleeps until the next value.
	armed, closed bool
}

// NewFeed makes a feed over records. The one that brings Logged records to the
// log is named LogReader.
func (r *Registry) NewFeed(name string, hs []*Untyped) *Feed {
	f := &Feed{
		name:     name,
		registry: r,
		links:    make([]feedCursor, len(hs)),
		wake:     make(chan struct{}, 1),
		queue:    make([]*feedCursor, len(hs)),
	}
	for i, h := range hs {
		if h.id >= len(f.byID) {
			f.byID = append(f.byID, make([]*feedCursor, h.id+1-len(f.byID))...)
		}
		l := &f.links[i]
		f.byID[h.id] = l
		l.feed = f
		l.handle = h
		l.cursor.name = name
		l.encodes, l.peeks = true, true
		l.log = name == LogReader && h.config.Logged
		l.start(h.config.Logged)
	}
	r.adopt(f)
	return f
}

// TryTake fills dst with what is there and returns how many that are.
func (f *Feed) TryTake(dst []Item) int {
	n := 0
	for n < len(dst) {
		l := f.pop()
		if l == nil {
			break
		}
		n += l.take(dst[n:min(len(dst), n+feedTurn)])
	}
	if n > 0 {
		f.last = time.Now()
	}
	return n
}

// Take waits for a value and then fills dst with what is there. Values that are
// there are returned even if ctx has ended, so that a shutdown can take what is
// left; the error of ctx means that nothing was. After Close of the feed, or of
// the registry when nothing is left, it returns ErrClosed.
func (f *Feed) Take(ctx context.Context, dst []Item) (int, error) {
	for {
		if n := f.TryTake(dst); n > 0 || len(dst) == 0 {
			return n, nil
		}
		if err := f.sleep(ctx); err != nil {
			if n := f.TryTake(dst); n > 0 {
				return n, nil // they came in between
			}
			return 0, err
		}
	}
}

// sleep waits until there may be something to take.
func (f *Feed) sleep(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if rest := feedLinger - time.Since(f.last); rest > 0 {
		return f.linger(ctx, rest)
	}
	f.mu.Lock()
	if f.closed && f.count == 0 {
		f.mu.Unlock()
		return ErrClosed
	}
	f.armed = f.count == 0
	armed := f.armed
	f.mu.Unlock()
	if !armed {
		return nil
	}
	select {
	case <-f.wake:
		return nil
	case <-ctx.Done():
		f.mu.Lock()
		f.armed = false
		f.mu.Unlock()
		return ctx.Err()
	}
}

// linger lets values come together; somebody in a hurry ends it.
func (f *Feed) linger(ctx context.Context, d time.Duration) error {
	if f.timer == nil {
		f.timer = time.NewTimer(d)
	} else {
		f.timer.Reset(d)
	}
	defer f.timer.Stop()
	select {
	case <-f.timer.C:
		f.last = time.Time{}
		return nil
	case <-f.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Pending returns the number of records that have unread values.
func (f *Feed) Pending() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// Pause stops reading a record: it costs its producers nothing, and nothing
// counts as missed.
func (f *Feed) Pause(h *Untyped) {
	if l := f.link(h); l != nil {
		l.stop()
	}
}

// Resume goes on reading a paused record with the next value.
func (f *Feed) Resume(h *Untyped) {
	if l := f.link(h); l != nil {
		l.start(false)
	}
}

// Close ends the feed. A Take that waits returns ErrClosed.
func (f *Feed) Close() {
	for i := range f.links {
		f.links[i].stop()
	}
	f.registry.release(f)
	f.end()
}

// end makes Take return ErrClosed when nothing is left.
func (f *Feed) end() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.hurry()
}

func (f *Feed) link(h *Untyped) *feedCursor {
	if h.id >= len(f.byID) {
		return nil
	}
	return f.byID[h.id]
}

// hurry ends the sleep of the feed now.
func (f *Feed) hurry() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}
