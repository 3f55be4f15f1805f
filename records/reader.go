package records

import (
	"context"
	"iter"
)

// Reader reads one record. One goroutine at a time may use it; Close and Missed are
// safe for concurrent use. Close it when it is no longer needed, because the record
// holds it.
type Reader[T any] struct {
	cursor
	typed *Record[T]
}

// Subscribe adds a reader. Metrics and Config.Lossless refer to it by its name,
// which several readers may share.
//
// In a ring the reader starts with the next value produced. In a single-latest
// record and a mailbox it starts with the value that is there. The first reader
// that has a name of Config.Lossless starts with the first value produced, because
// producers have waited for it.
func (r *Record[T]) Subscribe(name string) *Reader[T] {
	reader := &Reader[T]{typed: r}
	r.untyped.subscribe(&reader.cursor, name)
	return reader
}

// subscribe attaches the cursor of a new reader.
func (u *Untyped) subscribe(c *cursor, name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c.record, c.name = u, name
	switch {
	case u.config.Kind != Ring:
		c.read = beginning
	case c.goesBy(name) && u.expected(name):
		c.read = 0
	default:
		c.read = u.newest
	}
	u.attach(c)
}

// TryReceive returns the next value if there is one.
func (r *Reader[T]) TryReceive() (v T, ok bool) {
	record := r.typed
	record.untyped.mu.Lock()
	slot := r.advance()
	if slot >= 0 {
		v = record.slots[slot]
		record.emptied(slot)
	}
	record.untyped.mu.Unlock()
	return v, slot >= 0
}

// Receive waits for the next value. It returns a value that is there even if ctx
// has ended, so that a consumer can read what is left. It returns ErrClosed after
// Close of the reader, and after Close of the registry once nothing is left.
func (r *Reader[T]) Receive(ctx context.Context) (v T, err error) {
	record := r.typed
	record.untyped.mu.Lock() // this is TryReceive, without the call
	if slot := r.advance(); slot >= 0 {
		v = record.slots[slot]
		record.emptied(slot)
		record.untyped.mu.Unlock()
		return v, nil
	}
	record.untyped.mu.Unlock()
	return r.receive(ctx)
}

// receive waits until there is a value, or no more will come.
func (r *Reader[T]) receive(ctx context.Context) (T, error) {
	for {
		err := r.wait(ctx)
		if v, ok := r.TryReceive(); ok {
			return v, nil // it may have come while the wait ended
		}
		if err != nil {
			var none T
			return none, err
		}
	}
}

// emptied clears the slot of a value that was taken from a mailbox.
func (r *Record[T]) emptied(slot int) {
	if r.untyped.kept() == 0 {
		r.clear(slot)
	}
}

// wait sleeps until there may be something to read.
func (c *cursor) wait(ctx context.Context) error {
	if c.ended() {
		return ErrClosed
	}
	return await(ctx, c)
}

// ended reports whether no more values will come.
func (c *cursor) ended() bool {
	u := c.record
	u.mu.Lock()
	defer u.mu.Unlock()
	return c.closed || u.closed && !c.unread()
}

// All yields the values as they come, until ctx ends or the reader or the registry
// is closed.
func (r *Reader[T]) All(ctx context.Context) iter.Seq[T] {
	return func(yield func(T) bool) {
		for {
			v, err := r.Receive(ctx)
			if err != nil || ctx.Err() != nil || !yield(v) {
				return
			}
		}
	}
}

// Missed returns how many values the reader missed because it was too slow.
func (r *Reader[T]) Missed() uint64 {
	r.typed.untyped.mu.Lock()
	defer r.typed.untyped.mu.Unlock()
	return r.missed
}

// Close ends the reader. A Receive that waits returns ErrClosed.
func (r *Reader[T]) Close() { r.close() }
