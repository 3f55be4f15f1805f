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
	newBox() any
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
func (u *Untyped) Key() string { return u.key.String() }

// Segments returns the segments of the key.
func (u *Untyped) Segments() []string { return u.key.Segments() }

// ID returns the position of the record in the order of registration, from 0.
func (u *Untyped) ID() int { return int(u.id) }

// Kind returns the kind of buffer.
func (u *Untyped) Kind() Kind { return u.config.Kind }

// Capacity returns the number of values kept.
func (u *Untyped) Capacity() int { return u.config.Capacity }

// TypeName returns the name of the Go type of the values.
func (u *Untyped) TypeName() string { return u.typed.typeName() }

// Config returns what the record was registered with.
func (u *Untyped) Config() Config {
	c := u.config
	c.Lossless = slices.Clone(c.Lossless)
	return c
}

// Produced returns how many values were produced so far, which is the number
// of the newest one.
func (u *Untyped) Produced() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return uint64(u.newest)
}

// now returns the time in Unix milliseconds.
func (u *Untyped) now() int64 {
	if now := u.registry.options.Now; now != nil {
		return now().UnixMilli()
	}
	return time.Now().UnixMilli()
}

// stamp notes the time of the next value.
func (u *Untyped) stamp() { u.times[u.next] = u.now() }

// close ends all readers once they have read what is kept, and everybody who
// waits.
func (u *Untyped) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	u.wakeAt = always
	u.readers.wakeAll()
	u.senders.wakeAll()
	u.acks.failAll(ErrClosed)
}
