package records

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"
)

// Names in Config.Lossless that stand for a role instead of a reader.
const (
	// LogReader is the feed that writes values to the log.
	LogReader = "log"
	// StageReaders are all stages that read the record.
	StageReaders = "stages"
)

// Limits of a ring.
const (
	// MaxCapacity is the largest capacity.
	MaxCapacity = 1 << 24
	// MaxRingBytes is the largest size of all slots in bytes, without what the
	// values point to.
	MaxRingBytes = 1 << 30
)

// Config says what a record keeps and who may see it.
type Config struct {
	// Kind is the kind of buffer.
	Kind Kind
	// Logged records go to the log, with the time of each write.
	Logged bool
	// Durable makes ProduceLogged return after the log has synced the value to
	// disk.
	Durable bool
	// Remote lets clients of the gateway and NATS clients read the record.
	Remote bool
	// Writable lets clients of the gateway set the record. It implies Remote.
	Writable bool
	// Timestamps keeps the time of each write even if the record is not Logged.
	Timestamps bool
	// RefillStages makes the stages that read the record also read refilled
	// values.
	RefillStages bool
	// Capacity is the number of values that a ring keeps. The other kinds keep
	// one value and accept 0 or 1.
	Capacity int
	// Lossless names the readers that Send waits for: LogReader, StageReaders,
	// or a name given to Subscribe or StageName. If it is empty, Send never
	// waits.
	Lossless []string
	// Schema is the name of the contract that the values follow, for clients, or
	// empty.
	Schema string
	// Migrations turn values of older types into the type of the record, from the oldest
	// on. Their number is the version of its shape.
	Migrations []Migration
	// EventTime is a func(T) time.Time, or nil. It returns the own time of a value, or the
	// zero time if the value has none. The log carries it beside the time of the write, and
	// a history stores the value under it. It must depend on the value alone.
	EventTime any
	// Signal is a *SignalOf[T] or nil.
	Signal any
	// Validate is a func(T) error that says why a value may not be set from outside, or
	// nil. Set calls it, Produce does not. Its error may be an *InvalidError that names
	// the place.
	Validate any
	// Initial is the T that the record holds until a value is refilled or
	// produced, or nil. Like a refilled value it does not count as produced and
	// is not logged. A mailbox cannot have one.
	Initial any
}

// checked returns the configuration with defaults and implied settings.
func (c Config) checked() (Config, error) {
	switch {
	case c.Kind > Mailbox:
		return c, fmt.Errorf("unknown kind of buffer %v", c.Kind)
	case c.Kind == Ring && c.Capacity < 1:
		return c, fmt.Errorf("a ring of capacity %d keeps no value; give it 1 or more", c.Capacity)
	case c.Kind == Ring && c.Capacity > MaxCapacity:
		return c, fmt.Errorf("a ring of capacity %d is too large; at most %d values are kept in memory, keep more in a sink", c.Capacity, MaxCapacity)
	case c.Kind != Ring && c.Capacity != 0 && c.Capacity != 1:
		return c, fmt.Errorf("a %v keeps one value; only a ring can have capacity %d", c.Kind, c.Capacity)
	case c.Durable && !c.Logged:
		return c, errors.New("it is durable but not logged; log it too")
	case slices.Contains(c.Lossless, ""):
		return c, errors.New("it is lossless for a reader without a name; name the reader")
	case slices.Contains(c.Lossless, LogReader) && !c.Logged:
		return c, errors.New("it is lossless for the log but not logged; log it too")
	}
	if c.Kind != Ring {
		c.Capacity = 1
	}
	c.Remote = c.Remote || c.Writable
	c.Lossless, c.Migrations = slices.Clone(c.Lossless), slices.Clone(c.Migrations)
	return c, nil
}

// checkSize returns an error if all slots of a ring exceed MaxRingBytes.
func checkSize[T any](capacity int) error {
	var v T
	if size := unsafe.Sizeof(v); uint64(size)*uint64(capacity) > MaxRingBytes {
		return fmt.Errorf("a ring of %d values of %d bytes is too large; at most %d MiB are allowed", capacity, size, MaxRingBytes>>20)
	}
	return nil
}
