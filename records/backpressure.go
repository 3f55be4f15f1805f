package records

import (
	"context"
	"fmt"
	"slices"
)

// Send waits until none of the readers named in Config.Lossless would miss a value,
// and then makes v the newest value. Without such readers it is Produce. If it
// returns an error, that of ctx or ErrClosed, the value was not produced.
//
// A named reader that was never attached counts as one that has read nothing, so
// that a burst before Run waits. Send does not wait for a reader that has closed.
// Produce never waits: a record that is written with both can overrun the named
// readers.
//
// A producer that had to wait continues when a quarter of the buffer is free.
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

// awaitSpace waits until there is space for one more value. The caller holds the
// lock, which is released while it waits.
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
			u.wakeSenders() // this one may have been woken, and leaves its space
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

// lag returns the lag of the slowest reader that has a name.
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

// goesBy reports whether a name in Config.Lossless means this reader.
func (c *cursor) goesBy(name string) bool {
	switch name {
	case LogReader:
		return c.log
	case StageReaders:
		return c.stage
	}
	return c.name == name && !c.onDemand
}

// expected reports whether producers wait for a name that no reader had so far.
func (u *Untyped) expected(name string) bool {
	if name == LogReader {
		return u.config.Logged && !u.logSeen
	}
	i := slices.Index(u.config.Lossless, name)
	return i >= 0 && !u.attached[i]
}

// noteAttached stores that a reader with this name was attached.
func (u *Untyped) noteAttached(c *cursor) {
	u.logSeen = u.logSeen || c.log
	for i, name := range u.config.Lossless {
		u.attached[i] = u.attached[i] || c.goesBy(name)
	}
	u.freeTo = 0
}
