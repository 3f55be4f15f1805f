package records

import (
	"context"
	"encoding/json"
	"reflect"
	"time"
)

// Record holds values of one type under a key. Register makes it. It is safe for
// concurrent use by any number of producers and readers.
//
// Readers get a shallow copy of a value. What a value points to must not change
// after the value was produced.
type Record[T any] struct {
	untyped Untyped
	// slots hold the values. They are used in order, so a ring that is not full
	// has no more of them than it needs.
	slots  []T
	signal *SignalOf[T]
	valid  func(T) error // of Config.Validate
	// ownTime returns the own time of a value, nil if values have none.
	ownTime func(T) time.Time
}

// Key returns the key of the record in its own spelling.
func (r *Record[T]) Key() string { return r.untyped.key.String() }

// Untyped returns the record without its type.
func (r *Record[T]) Untyped() *Untyped { return &r.untyped }

// Produce makes v the newest value. It never waits for a reader and does not
// fail. It allocates nothing once the ring is full; while the ring fills, its
// slots double. After Close the value is only counted.
func (r *Record[T]) Produce(v T) {
	if r.signal != nil {
		r.measure(v)
	}
	u := &r.untyped
	u.mu.Lock() // the rest is put, without the call
	if uint(u.next) < uint(len(r.slots)) {
		r.slots[u.next] = v
	} else {
		r.grow(v)
	}
	if u.times != nil {
		u.stamp()
	}
	u.step()
	if u.newest >= u.wakeAt {
		u.wake()
	}
	u.mu.Unlock()
}

// put writes a value. The caller holds the lock.
func (r *Record[T]) put(v T) {
	u := &r.untyped
	if uint(u.next) < uint(len(r.slots)) {
		r.slots[u.next] = v
	} else {
		r.grow(v)
	}
	if u.times != nil {
		u.stamp()
	}
	u.step()
	if u.newest >= u.wakeAt {
		u.wake()
	}
}

// Latest returns the newest value kept, false if there is none. It does not take
// the value from a mailbox.
func (r *Record[T]) Latest() (T, bool) {
	u := &r.untyped
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.kept() == 0 {
		var none T
		return none, false
	}
	return r.slots[u.slot(u.newest)], true
}

func (r *Record[T]) typeName() string { return reflect.TypeFor[T]().String() }

func (r *Record[T]) newBox() any { return new(T) }

func (r *Record[T]) load(slot int, box any) { *box.(*T) = r.slots[slot] }

func (r *Record[T]) clear(slot int) {
	var none T
	r.slots[slot] = none
}

func (r *Record[T]) produce(box any) { r.Produce(*box.(*T)) }

func (r *Record[T]) send(ctx context.Context, box any) (Ack, error) {
	return r.sendLogged(ctx, *box.(*T))
}

func (r *Record[T]) decode(raw json.RawMessage) (any, error) { return decodeBox[T](raw) }

func decodeBox[T any](raw json.RawMessage) (box any, err error) {
	defer recoverInto(&err, "UnmarshalJSON")
	v := new(T)
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, err
	}
	return v, nil
}
