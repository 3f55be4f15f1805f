package records

import (
	"sync"
	"unsafe"
)

// window knows which values a record keeps, by number. The values themselves
// lie in the slots of the typed record.
//
// The first value produced has number 1. Values refilled from history lie
// before it and so have numbers up to 0. All three kinds of buffer are windows:
// a single-latest record and a mailbox keep one value.
type ring struct {
	// mu guards this struct, the slots and all cursors of the record. Nothing
	// slow is done under it: at most one slot is copied.
	mu sync.Mutex
	// newest is the number of the newest value.
	newest int64
	// wakeAt is the number from which on a write has to call wake, because
	// somebody sleeps. Writes compare and do nothing else while nobody does.
	wakeAt int64
	// gone is the number up to which no values are kept even if there is room
	// for them: what came before the record, or was taken from a mailbox.
	gone int64
	// next is the slot of the next value.
	next     int
	capacity int
	// consumed counts receives of all readers.
	consumed uint64
	// times are the write times beside the slots in Unix milliseconds, as many
	// as there are slots, nil if none are taken.
	times []int64
}

// kept returns the number of values kept.
func (w *ring) kept() int { return min(int(w.newest-w.gone), w.capacity) }

// oldest returns the number of the oldest value kept.
func (w *ring) oldest() int64 { return w.newest - int64(w.kept()) + 1 }

// slot returns where the value with a number lies; it must be kept.
func (w *ring) slot(number int64) int {
	i := w.next - 1 - int(w.newest-number)
	if i < 0 {
		i += w.capacity
	}
	return i
}

// time returns the write time in a slot, 0 if none is taken.
func (w *ring) time(slot int) int64 {
	if w.times == nil {
		return 0
	}
	return w.times[slot]
}

// step counts one more value, which lies in the slot next.
func (w *ring) step() {
	w.newest++
	if w.next++; w.next == w.capacity {
		w.next = 0
	}
}

// maxCopyBytes bounds how many bytes of slots are copied when a ring grows: its
// readers and writers wait meanwhile.
const maxCopyBytes = 1 << 20

// grow adds slots and stores a value in the first of them. The number of slots
// doubles until the next copy would be too large; then the rest is added.
//
//go:noinline
func (r *Record[T]) grow(v T) {
	u := &r.untyped
	n := max(1, 2*u.next)
	if n > u.capacity || uintptr(n)*unsafe.Sizeof(v) > maxCopyBytes {
		n = u.capacity
	}
	r.slots = append(make([]T, 0, n), r.slots...)[:n]
	if u.times != nil {
		u.times = append(make([]int64, 0, n), u.times...)[:n]
	}
	r.slots[u.next] = v
}

// prepend puts values before the oldest one kept, the newest of them first, as
// many as fit in.
func (r *Record[T]) prepend(boxes []any, times []int64) {
	u := &r.untyped
	kept := u.kept()
	n := min(len(boxes), u.capacity-kept)
	slots, stamps := make([]T, n+kept), make([]int64, n+kept)
	for i := range n {
		slots[n-1-i], stamps[n-1-i] = *boxes[i].(*T), times[i]
	}
	for i := range kept {
		slot := u.slot(u.oldest() + int64(i))
		slots[n+i], stamps[n+i] = r.slots[slot], u.time(slot)
	}
	r.slots = slots
	if u.times != nil {
		u.times = stamps
	}
	u.gone = u.newest - int64(n+kept)
	u.next = (n + kept) % u.capacity
	u.json = nil
}
