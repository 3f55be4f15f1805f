package records

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"
)

// The conventional names of readers that a lossless record can wait for.
const (
	// LogReader is the feed that brings values to the log.
	LogReader = "log"
	// StageReaders are all stages that read the record.
	StageReaders = "stages"
)

// Limits of a ring.
const (
	// MaxCapacity is the greatest number of values a ring can keep.
	MaxCapacity = 1 << 24
	// MaxRingBytes is the greatest size of the slots of one ring in bytes,
	// without what the values point to.
	MaxRingBytes = 1 << 30
)

// Config says what a record keeps and who may see it.
type Config struct {
	// Kind is the kind of buffer.
	Kind Kind
	// Logged records go to the log. The time of each write is taken.
	Logged bool
	// Durable values are acknowledged after the log has synced them to disk.
	Durable bool
	// Remote records are served by the gateway.
	Remote bool
	// Writable records can be set through the gateway, and so are Remote.
	Writable bool
	// Timestamps takes the time of each write although the record is not
	// Logged.
	Timestamps bool
	// RefillStages runs the stages that read this record on refilled values.
	RefillStages bool
	// Capacity is the number of values that a ring keeps. The other kinds
	// keep one, and take 0 or 1 here.
	Capacity int
	// Lossless names the readers that Send waits for: LogReader, StageReaders
	// or the name given to Subscribe or by StageName. Empty means that Send never waits.
	Lossless []string
	// Signal is a *SignalOf[T] or nil.
	Signal any
	// Initial is a T that the record keeps until one is refilled or produced,
	// or nil. Like a refilled value it does not count as produced and is not
	// logged. A mailbox has none.
	Initial any
}

// checked returns the configuration with what follows from it filled in.
func (c Config) checked() (Config, error) {
	switch {
	case c.Kind > Mailbox:
		return c, fmt.Errorf("unknown kind of buffer %v", c.Kind)
	case c.Kind == Ring && c.Capacity < 1:
		return c, fmt.Errorf("a ring of capacity %d can keep nothing; give it 1 or more", c.Capacity)
	case c.Kind == Ring && c.Capacity > MaxCapacity:
		return c, fmt.Errorf("a ring of capacity %d is too large; at most %d values are kept in memory, longer history belongs into a sink", c.Capacity, MaxCapacity)
	case c.Kind != Ring && c.Capacity != 0 && c.Capacity != 1:
		return c, fmt.Errorf("a %v keeps one value; capacity %d makes sense for a ring only", c.Kind, c.Capacity)
	case c.Durable && !c.Logged:
		return c, errors.New("it is durable but not logged; only the log can make it durable")
	case slices.Contains(c.Lossless, ""):
		return c, errors.New("it is lossless for a reader without a name")
	case slices.Contains(c.Lossless, LogReader) && !c.Logged:
		return c, errors.New("it is lossless for the log but not logged")
	}
	if c.Kind != Ring {
		c.Capacity = 1
	}
	c.Remote = c.Remote || c.Writable
	c.Lossless = slices.Clone(c.Lossless)
	return c, nil
}

// checkSize refuses a ring whose slots would not fit.
func checkSize[T any](capacity int) error {
	var v T
	if size := unsafe.Sizeof(v); uint64(size)*uint64(capacity) > MaxRingBytes {
		return fmt.Errorf("a ring of %d values of %d bytes is too large; at most %d MiB are allowed", capacity, size, MaxRingBytes>>20)
	}
	return nil
}
