package records

import (
	"context"
	"fmt"
	"slices"
)

// Send makes v the newest value, and waits before until the readers named in
// Config.Lossless have room for it: none of them would miss a value. Without
// such readers it is Produce. It returns the error of ctx, or ErrClosed; the
// value was not produced then.
//
// A named reader that was never there counts as one that has read nothing, so
// that a burst before Run waits and is not lost. One that has left is not
// waited for. Produce never waits: mixing both on one record can overrun the
// named readers.
//
// A producer that had to wait goes on when a quarter of the buffer is free.
func (r *Record[T]) Send(ctx context.Context, v T) error {
	u := &r.untyped
	u.mu.Lock()
	if u.closed || len(u.config.Lossless) > 0 && u.newest >= u.freeTo {
		if err := u.awaitSpace(ctx, u.config.Lossless); err != nil {
			u.mu.Unlock()
			return fmt.Errorf("send to record %q: %w", u.key.String(), err)
		}
	}
	r.put(v)
	u.mu.Unlock()
	if r.signal != nil {
		r.measure(v)
	}
	return nil
}

// awaitSpace waits, with the lock held before and after, until the named readers
// have room for one more value.
func (u *Untyped) awaitSpace(ctx context.Context, names []string) error {
	var w *waiter
	for {
		if u.closed {
			return ErrClosed
		}
		if u.space(names) > 0 {
			u.freeTo = u.newest + u.space(u.config.Lossless)
			return nil
		}
		if w == nil {
			w = &waiter{ready: make(chan struct{}, 1), needs: names}
		}
		u.senders.add(w)
		u.wakeFeeds()
		u.mu.Unlock()
		var err error
		select {
		case <-w.ready:
		case <-ctx.Done():
			err = ctx.Err()
		}
		u.mu.Lock()
		u.senders.remove(w)
		if err != nil {
			u.wakeSenders() // it may have been this one's turn
			return err
		}
	}
}

// space returns how many values can be written before one of the named readers
// misses one.
func (u *Untyped) space(names []string) int64 {
	space := int64(u.capacity)
	for _, name := range names {
		space = min(space, int64(u.capacity)-u.lag(name))
	}
	return space
}

// lag returns how far the slowest reader under a name is behind.
func (u *Untyped) lag(name string) int64 {
	lag, found := int64(0), false
	for c := u.cursors; c != nil; c = c.older {
		if c.goesBy(name) {
			lag, found = max(lag, c.lag()), true
		}
	}
	if !found && u.expected(name) {
		return u.newest
	}
	return lag
}

// goesBy reports whether a lossless record means this reader by a name.
func (c *cursor) goesBy(name string) bool {
	switch name {
	case LogReader:
		return c.log
	case StageReaders:
		return c.stage
	}
	return c.name == name
}

// expected reports whether producers wait for a name that has never been there.
func (u *Untyped) expected(name string) bool {
	if name == LogReader {
		return u.config.Logged && !u.logSeen
	}
	i := slices.Index(u.config.Lossless, name)
	return i >= 0 && !u.attached[i]
}

// noteAttached remembers that a reader with a name has been there.
func (u *Untyped) noteAttached(c *cursor) {
	u.logSeen = u.logSeen || c.log
	for i, name := range u.config.Lossless {
		u.attached[i] = u.attached[i] || c.goesBy(name)
	}
	u.freeTo = 0
}
