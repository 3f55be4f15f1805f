package aimdb

import (
	"errors"
	"fmt"

	"github.com/aimdb-go/aimdb/records"
)

// Record is one registered record of type T. [Register] returns it. Its methods:
//
//	Produce(v)                 make v the newest value; never waits, never fails
//	Send(ctx, v)               wait until the readers named by Lossless have room
//	ProduceLogged(ctx, v)      return when the log has the value
//	Latest() (v, ok)           the newest value
//	Subscribe(name) *Reader    a reader with a cursor of its own
//	Tap(fn, opts...)           call fn with every value
//	Key() string               the key
//	Untyped() *Untyped         the record without its type: metrics, losses, JSON
//
// [Source], [Map], [Transform] and [Join2] make the values of one record from
// outside or from other records.
type Record[T any] = records.Record[T]

// Untyped is a record whose type is not known at compile time: its metrics, its
// losses, and its values as JSON.
type Untyped = records.Untyped

// Registry holds the records of a database without their types.
type Registry = records.Registry

// Reader reads the values of one record: Receive, TryReceive, All, Missed, Close.
// It is for one goroutine.
type Reader[T any] = records.Reader[T]

// RecordOption configures a record.
type RecordOption func(*records.Config)

// The names that [Lossless] knows besides those given to Subscribe.
const (
	// LogReader is the path to the log.
	LogReader = records.LogReader
	// StageReaders are the taps and transforms of the record.
	StageReaders = records.StageReaders
)

// Ring keeps the newest values, capacity of them. Every reader sees every
// value in order.
func Ring(capacity int) RecordOption {
	return func(c *records.Config) { c.Kind, c.Capacity = records.Ring, capacity }
}

// Latest keeps the newest value. Values that a reader had no time for collapse
// into it.
func Latest() RecordOption {
	return func(c *records.Config) { c.Kind = records.Latest }
}

// Mailbox keeps one value until somebody takes it or the next one replaces it.
func Mailbox() RecordOption {
	return func(c *records.Config) { c.Kind = records.Mailbox }
}

// Persist sends the values to the log and from there into the history. The
// record gets its values back at the next start, unless the history is only written by
// sinks in other processes.
func Persist() RecordOption {
	return func(c *records.Config) { c.Logged = true }
}

// Durable makes ProduceLogged return only after the log has synced the value
// to disk. The database needs [DurableLog].
func Durable() RecordOption {
	return func(c *records.Config) { c.Durable = true }
}

// Lossless makes Send wait until the named readers have room, so that a burst
// larger than the buffer loses nothing on its way to them. Without names it
// waits for the log if the record is persisted, and otherwise for its stages.
// Naming a reader that never comes makes producers wait for ever.
func Lossless(readers ...string) RecordOption {
	return func(c *records.Config) {
		c.Lossless = readers
		if len(readers) == 0 {
			c.Lossless = []string{defaultReader}
		}
	}
}

// defaultReader stands for what Lossless waits for without names, until it is
// known whether the record persists.
const defaultReader = "(default)"

// Remote lets clients of the gateway and NATS clients read the record. Without it
// neither its values nor its stored rows leave the process.
func Remote() RecordOption {
	return func(c *records.Config) { c.Remote = true }
}

// Writable lets gateway clients read and set the record.
func Writable() RecordOption {
	return func(c *records.Config) { c.Remote, c.Writable = true, true }
}

// Signal keeps statistics of a number in the value.
func Signal[T any](name, unit string, of func(T) float64) RecordOption {
	return func(c *records.Config) { c.Signal = &records.SignalOf[T]{Name: name, Unit: unit, Value: of} }
}

// Initial is what the record holds at start, if history has nothing for it. It
// is neither logged nor stored.
func Initial[T any](v T) RecordOption {
	return func(c *records.Config) { c.Initial = v }
}

// Schema names the contract that the values follow, such as "temperature". Clients
// see it as schema_type in record.list; those of upstream that draw records by their
// schema skip records without one.
func Schema(name string) RecordOption {
	return func(c *records.Config) { c.Schema = name }
}

// RefillStages runs the stages that read the record also on the values it gets
// back from history at start.
func RefillStages() RecordOption {
	return func(c *records.Config) { c.RefillStages = true }
}

// Register adds a record to the database. All records are registered before
// Run.
func Register[T any](db *DB, key string, opts ...RecordOption) (*Record[T], error) {
	c := records.Config{Kind: records.Latest}
	for _, opt := range opts {
		opt(&c)
	}
	if err := db.admits(&c); err != nil {
		return nil, fmt.Errorf("aimdb: register %q: %w", key, err)
	}
	return records.Register[T](db.registry, key, c)
}

// admits checks what a record asks of the database.
func (db *DB) admits(c *records.Config) error {
	// With a log on outside servers the sinks may be processes of their own.
	if c.Logged && db.config.Backend == nil && len(db.config.Sinks) == 0 && db.config.Log == nil {
		return errors.New("it is to persist, but the database has no backend; give New the option WithPersistence, or Log for sinks in other processes")
	}
	if c.EventTime != nil {
		if err := db.keepsEventTimes(); err != nil {
			return err
		}
	}
	if c.Durable && !db.config.DurableLog {
		return errors.New("it is to be durable, but the log does not sync before it acknowledges; give New the option DurableLog")
	}
	for i, name := range c.Lossless {
		switch {
		case name == defaultReader && c.Logged:
			c.Lossless[i] = LogReader
		case name == defaultReader:
			c.Lossless[i] = StageReaders
		}
	}
	return nil
}
