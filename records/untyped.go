package records

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/aimdb-go/aimdb/internal/jsonshape"
	"github.com/aimdb-go/aimdb/key"
)

// Untyped is a record without its Go type. The gateway and the republisher use it.
// It is safe for concurrent use.
type Untyped struct {
	ring
	registry *Registry
	key      key.Key
	config   Config
	typed    erased
	shape    *jsonshape.Shape // of the JSON of the values
	// ackNeeds names the readers that sendLogged waits for.
	ackNeeds []string
	id       int32

	// mu guards the fields below.

	closed, refilled, warned, logSeen bool
	// cursors are those of all readers, the newest first; feeds are those of
	// feeds.
	cursors *cursor
	feeds   *feedCursor
	// readerCount counts the cursors, encoders those that share JSON.
	readerCount, encoders int32
	// readers sleep until a value comes, senders until there is space.
	readers, senders waitlist
	// freeTo is the number of the last value that Send may write before it
	// has to compute the space again.
	freeTo int64
	// attached tells for each name of config.Lossless whether such a reader was
	// ever attached.
	attached []bool
	// json is nil until readers share the JSON of a value.
	json *jsonCache
	// acked is the number up to which the log has handled all values. acks are
	// the producers that wait for it, nil if none ever did.
	acked uint64
	acks  *acks
	// ledger is nil until the first loss.
	ledger *ledger
	// accepted is the number of the newest value when the record was closed.
	accepted int64
	// drops counts the values dropped by readers that have closed, or by none.
	drops map[dropKey]uint64
	// taken counts the values taken from a mailbox, restored those that were there
	// before the first one produced.
	taken, restored uint64
	// badTimes counts the values whose own time was not usable.
	badTimes uint64
	// base holds the counters at the last ResetMetrics.
	base   *baseline
	signal *signalMeter
}

// erased is what Untyped needs from its typed record. A box is a *T. The caller
// holds the lock for load, prepend and clear.
type erased interface {
	typeName() string
	// newBox makes a box, load copies the value of a slot into one.
	newBox() any
	load(slot int, box any)
	// prepend puts the values of boxes, newest first, before those kept.
	prepend(boxes []any, times []int64)
	// clear empties a slot.
	clear(slot int)
	// decode reads a value into a new box.
	decode(raw json.RawMessage) (any, error)
	produce(box any)
	// validate asks Config.Validate.
	validate(box any) error
	// send waits for space and produces.
	send(ctx context.Context, box any) (Ack, error)
	// eventTime returns the own time of the value in a box.
	eventTime(box any) time.Time
}

// Key returns the key of the record in its own spelling.
func (u *Untyped) Key() string { return u.key.String() }

// Segments returns the segments of the key.
func (u *Untyped) Segments() []string { return u.key.Segments() }

// ID returns the ordinal of the record in the order of registration, from 0.
func (u *Untyped) ID() int { return int(u.id) }

// Kind returns the kind of buffer.
func (u *Untyped) Kind() Kind { return u.config.Kind }

// Capacity returns the number of values that the record can keep.
func (u *Untyped) Capacity() int { return u.config.Capacity }

// TypeName returns the Go type of the values.
func (u *Untyped) TypeName() string { return u.typed.typeName() }

// Config returns the configuration of the record.
func (u *Untyped) Config() Config {
	c := u.config
	c.Lossless, c.Migrations = slices.Clone(c.Lossless), slices.Clone(c.Migrations)
	return c
}

// Produced returns the number of values produced so far, which is also the number
// of the newest one.
func (u *Untyped) Produced() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return uint64(u.newest)
}

// Accepted is Produced without the values that came after the registry was closed. Those
// are counted in Metrics.Drops with the cause loss.ProducedAfterClose.
func (u *Untyped) Accepted() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return uint64(u.accepted)
	}
	return uint64(u.newest)
}

// now returns the time for a write in Unix milliseconds.
func (u *Untyped) now() int64 {
	if now := u.registry.options.Now; now != nil {
		return now().UnixMilli()
	}
	return time.Now().UnixMilli()
}

// stamp stores the time of the value in slot next.
func (u *Untyped) stamp() { u.times[u.next] = u.now() }

// close ends all readers once they have read what is kept, and everything that
// waits.
func (u *Untyped) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.closed {
		u.closed, u.accepted = true, u.newest
	}
	u.wakeAt = always
	u.readers.wakeAll()
	u.senders.wakeAll()
	u.acks.failAll(ErrClosed)
}
