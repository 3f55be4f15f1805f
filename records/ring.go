package records

import (
	"math"
	"sync"
)

// always and never are values of window.alarm.
const (
	always = 0
	never  = math.MaxInt64
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
	// alarm is the number from which on a writer has to look around, because
	// somebody waits. Writers compare and do nothing else while nobody does.
	alarm int64
	// kept is the number of values kept, next the slot of the next one.
	kept, next int
	capacity   int
	// consumed counts receives of all readers.
	consumed uint64
	// careful is true if a reader has to do more than move on: the record is a
	// mailbox, or producers may wait for readers.
	careful bool
	// times are the write times beside the slots in Unix milliseconds, nil if
	// none are taken.
	times []int64
}

// oldest returns the number of the oldest value kept.
func (w *ring) oldest() int64 { return w.newest - int64(w.kept) + 1 }

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
	if w.kept < w.capacity {
		w.kept++
	}
}
