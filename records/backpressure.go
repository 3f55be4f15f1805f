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
	h := &r.handle
	h.mu.Lock()
	if h.closed || len(h.config.Lossless) > 0 && h.newest >= h.freeTo {
		if err := h.awaitSpace(ctx, h.config.Lossless); err != nil {
			h.mu.Unlock()
			return fmt.Errorf("send to record %q: %w", h.key.String(), err)
		}
	}
	r.put(v)
	h.mu.Unlock()
	if r.signal != nil {
		r.measure(v)
	}
	return nil
}

// awaitSpace waits, with the lock held before and after, until the named readers
// have room for one more value.
func (h *Untyped) awaitSpace(ctx context.Context, names []string) error {
	var w *waiter
	for {
		if h.closed {
			return ErrClosed
		}
		if h.space(names) > 0 {
			h.freeTo = h.newest + h.space(h.config.Lossless)
			return nil
		}
		if w == nil {
			w = &waiter{ready: make(chan struct{}, 1), needs: names}
		}
		h.senders.add(w)
		h.wakeFeeds()
		h.mu.Unlock()
		var err error
		select {
		case <-w.ready:
		case <-ctx.Done():
			err = ctx.Err()
		}
		h.mu.Lock()
		h.senders.remove(w)
		if err != nil {
			h.wakeSenders() // it may have been this one's turn
			return err
		}
	}
}

// space returns how many values can be written before one of the named readers
// misses one.
func (h *Untyped) space(names []string) int64 {
	space := int64(h.capacity)
	for _, name := range names {
		space = min(space, int64(h.capacity)-h.lag(name))
	}
	return space
}

// lag returns how far the slowest reader under a name is behind.
func (h *Untyped) lag(name string) int64 {
	lag, found := int64(0), false
	for c := h.cursors; c != nil; c = c.older {
		if c.goesBy(name) {
			lag, found = max(lag, c.lag()), true
		}
	}
	if !found && h.expected(name) {
		return h.newest
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
func (h *Untyped) expected(name string) bool {
	if name == LogReader {
		return h.config.Logged && !h.logSeen
	}
	i := slices.Index(h.config.Lossless, name)
	return i >= 0 && !h.attached[i]
}

// noteAttached remembers that a reader with a name has been there.
func (h *Untyped) noteAttached(c *cursor) {
	h.logSeen = h.logSeen || c.log
	for i, name := range h.config.Lossless {
		h.attached[i] = h.attached[i] || c.goesBy(name)
	}
	h.freeTo = 0
}
