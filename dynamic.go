package aimdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/records"
)

// Dynamic registers a record, as [AddJSON] does, when a client sets a key that has none.
// declare returns its options, which must have [Writable], or why there must be no such
// record. It is called by one goroutine at a time, may be called several times for a key,
// and must not use the database. At most limit records are made so.
//
// At start each name in history that has no record and that declare takes is registered
// before the database is ready, and has its values back.
func Dynamic(limit int, declare func(key string) ([]RecordOption, error)) Option {
	return func(c *Config) error {
		if c.Declare != nil {
			return errors.New("aimdb: Dynamic is given twice; one function declares all keys")
		}
		if declare == nil {
			return errors.New("aimdb: Dynamic was given no function to declare records")
		}
		c.DynamicLimit, c.Declare = limit, declare
		return positive(int64(limit), "a limit of %d dynamic records takes none; give a positive one, or leave Dynamic out", limit)
	}
}

// Validate has a function judge the values that are set from outside, after the type has.
// T is the type of the record, json.RawMessage for one of [AddJSON]. The error says what is
// wrong; it may be a [*records.InvalidError] that names the place. Values that the program
// produces are not asked about.
func Validate[T any](valid func(T) error) RecordOption {
	return func(c *records.Config) { c.Validate = valid }
}

// newIngest returns what sets records from outside.
func (db *DB) newIngest() *ingest.Writer {
	c := ingest.Config{Registry: db.registry, Log: db.writable}
	if db.config.Declare != nil {
		c.Create = db.makeRecord
	}
	return ingest.New(c)
}

// writable returns a context that ends when the log cannot be written.
func (db *DB) writable() context.Context {
	if db.bus == nil { // the log of a stopped database is not written
		return context.Background()
	}
	return db.bus.Writable()
}

// makeRecord makes a record for a key from outside that takes a value, unless there is one
// by now. If make is false it only checks whether it would.
func (db *DB) makeRecord(name string, value json.RawMessage, make bool) (*Untyped, error) {
	a := &db.additions
	a.mu.Lock()
	defer a.mu.Unlock()
	if u, known := db.registry.Lookup(name); known {
		return u, nil
	}
	if limit := db.config.DynamicLimit; a.made >= limit {
		return nil, &ingest.Refusal{Cause: ingest.TooManyRecords, Record: name, Reason: fmt.Sprintf(
			"record %q cannot be made: there are %d records that were made for keys from outside, which is the limit; raise the limit, or register the record", name, limit)}
	}
	c, err := db.declared(name)
	switch {
	case err == nil && !c.Writable:
		err = errors.New("its declaration is not Writable")
	case err == nil:
		err = db.registry.CheckAdd(name, c, value)
	}
	if err != nil || !make {
		return nil, err
	}
	u, err := db.addJSON(name, c)
	if err == nil {
		a.made++
	}
	return u, err
}

func (db *DB) declared(name string) (records.Config, error) {
	opts, err := db.config.Declare(name)
	return jsonConfig(opts), err
}
