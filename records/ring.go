package records

import (
	"sync"
	"unsafe"
)

// ring tells which values a record keeps, by number, and in which slots of the
// typed record they are. A single-latest record and a mailbox are rings of one
// slot.
//
// The first value produced has number 1. Refilled values are before it and have
// numbers up to 0.
type ring struct {
	// mu guards this struct, the slots and all cursors of the record. A read or
	// a write copies one value under it, a write that grows the ring up to
	// maxCopyBytes.
	mu sync.Mutex
	// newest is the number of the newest value.
	newest int64
	// wakeAt is the number from which on a write must call wake. See wakeup.go.
	wakeAt int64
	// gone is the number up to which values are not kept although there is space:
	// there were none, or they were taken from a mailbox.
	gone int64
	// next is the slot of the next value.
	next     int
	capacity int
	// consumed counts the values read by all readers.
	consumed uint64
	// trackReads is true if a read must call afterRead: it empties a mailbox, or
	// makes space that a producer may wait for.
	trackReads bool
	// times are the write times of the values in Unix milliseconds, one for each
	// slot, nil if the record keeps none.
	times []int64
}

// kept returns the number of values kept.
func (w *ring) kept() int { return min(int(w.newest-w.gone), w.capacity) }

// oldest returns the number of the oldest value kept.
func (w *ring) oldest() int64 { return w.newest - int64(w.kept()) + 1 }

// slot returns the slot of a value that is kept.
func (w *ring) slot(number int64) int {
	i := w.next - 1 - int(w.newest-number)
	if i < 0 {
		i += w.capacity
	}
	return i
}

// time returns the write time of the value in a slot, 0 if the record keeps none.
func (w *ring) time(slot int) int64 {
	if w.times == nil {
		return 0
	}
	return w.times[slot]
}

// step counts the value that was written into slot next.
func (w *ring) step() {
	w.newest++
	if w.next++; w.next == w.capacity {
		w.next = 0
	}
}

// maxCopyBytes bounds how many bytes a growing ring copies while its readers and
// writers wait.
const maxCopyBytes = 1 << 20

// grow adds slots and stores a value in the first of them. It doubles the number
// of slots, or adds all that are missing if the next doubling would copy too much.
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

// prepend puts as many values as fit before the oldest one kept. The newest of
// them comes first in boxes.
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
	u.restored = uint64(n)
}
