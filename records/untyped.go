package records

import (
	"encoding/json"
	"github.com/aimdb-go/aimdb/key"
	"slices"
	"time"
)

// Untyped is a record whose type is not known at compile time: what the gateway
// and the republisher work with. It is safe for concurrent use.
type Untyped struct {
	ring
	registry *Registry
	key      key.Key
	config   Config
	typed    erased
	id       int32
	// trackReads is true if a read has to call afterRead: it empties a mailbox,
	// or makes space that a producer may wait for.
	trackReads bool

	// What follows is guarded by mu.

	closed, refilled, warned, logSeen bool
	// cursors are the readers, the newest first, feeds those of feeds.
	cursors *cursor
	feeds   *feedCursor
	// readerCount counts the cursors, encoders those that share JSON.
	readerCount, encoders int32
	// readers sleep until a value comes, senders until there is space.
	readers, senders waitlist
	// freeTo is the number of the last value that Send may write before it
	// has to compute the space again.
	freeTo int64
	// attached says which of config.Lossless has ever been there.
	attached []bool
	// json is nil until readers share the JSON of a value.
	json *jsonCache
	// acked is the number up to which the log has dealt with all values, acks
	// are the producers that wait for it, nil if none ever did.
	acked uint64
	acks  *acks
	// ledger holds the losses, nil if there was none.
	ledger *ledger
	// drops are the losses that belong to no reader, or to one that has left.
	drops map[dropKey]uint64
	// taken counts the values taken from a mailbox.
	taken uint64
	// base holds what ResetMetrics has set to zero.
	base   *baseline
	signal *signalMeter
}

// erased is what a Handle needs from its typed record. All but decode and
// produce are called under the record's lock.
type erased interface {
	typeName() string
	// box makes room for one value, and load copies the value of a slot there.
	box() any
	load(slot int, box any)
	// prepend puts the values of boxes before those kept, the newest first.
	prepend(boxes []any, times []int64)
	// clear empties a slot.
	clear(slot int)
	// decode reads a value into a new box.
	decode(raw json.RawMessage, strict bool) (any, error)
	produce(box any)
}

// Key returns the key of the record in its own spelling.
func (h *Untyped) Key() string { return h.key.String() }

// Segments returns the segments of the key.
func (h *Untyped) Segments() []string { return h.key.Segments() }

// ID returns the position of the record in the order of registration, from 0.
func (h *Untyped) ID() int { return int(h.id) }

// Kind returns the kind of buffer.
func (h *Untyped) Kind() Kind { return h.config.Kind }

// Capacity returns the number of values kept.
func (h *Untyped) Capacity() int { return h.config.Capacity }

// TypeName returns the name of the Go type of the values.
func (h *Untyped) TypeName() string { return h.typed.typeName() }

// Config returns what the record was registered with.
func (h *Untyped) Config() Config {
	c := h.config
	c.Lossless = slices.Clone(c.Lossless)
	return c
}

// Produced returns how many values were produced so far, which is the number
// of the newest one.
func (h *Untyped) Produced() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return uint64(h.newest)
}

// now returns the time in Unix milliseconds.
func (h *Untyped) now() int64 {
	if now := h.registry.options.Now; now != nil {
		return now().UnixMilli()
	}
	return time.Now().UnixMilli()
}

// stamp notes the time of the next value.
func (h *Untyped) stamp() { h.times[h.next] = h.now() }

// close ends all readers once they have read what is kept, and everybody who
// waits.
func (h *Untyped) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.wakeAt = always
	h.readers.wakeAll()
	h.senders.wakeAll()
	h.acks.failAll(ErrClosed)
}
