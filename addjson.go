package aimdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// addTimeout bounds how long AddJSON waits for the history or the log.
const addTimeout = 30 * time.Second

// AddJSON registers a record of JSON values, whose Go type is json.RawMessage. Unlike
// [Register] it does so at any time until the database is closed. The record has no
// stages and no [Migrate]. A client that is subscribed to a pattern gets its values too.
// If it persists and history has values of its key, it begins with the newest of them;
// values of a shape that [Migrate] has made are left out.
func AddJSON(db *DB, key string, opts ...RecordOption) (*Untyped, error) {
	a := &db.additions
	a.mu.Lock()
	defer a.mu.Unlock()
	return db.addJSON(key, jsonConfig(opts))
}

func jsonConfig(opts []RecordOption) records.Config {
	c := records.Config{Kind: records.Latest}
	for _, opt := range opts {
		opt(&c)
	}
	return c
}

// additions is what AddJSON knows of the history and the log.
type additions struct {
	mu sync.Mutex
	// begun says that the start has listed the records that it refills: those added
	// later refill themselves.
	begun bool
	// rest are names in history that have no record, complete says that they are all.
	rest     map[string]struct{}
	complete bool
	// made is the number of records made by Declare.
	made int
	// closed is what NATS clients may not read, once admitted is true.
	closed   bus.Formerly
	admitted bool
}

// addJSON adds a record. The caller holds the lock of additions.
func (db *DB) addJSON(name string, c records.Config) (*Untyped, error) {
	k, err := db.checkAdd(name, &c)
	var rows []records.Stored
	if err == nil {
		rows, err = db.beforeAdd(k, c)
	}
	var u *Untyped
	if err == nil {
		u, err = db.registry.Add(name, c, rows...)
	}
	if err != nil {
		return nil, db.failed(err, "add record %q", name)
	}
	delete(db.additions.rest, name)
	return u, nil
}

// checkAdd checks what AddJSON is given.
func (db *DB) checkAdd(name string, c *records.Config) (key.Key, error) {
	k, err := key.Parse(name)
	if err == nil {
		err = db.admits(c)
	}
	switch {
	case err != nil:
	case len(c.Migrations) > 0:
		err = errors.New("it has migrations, but JSON values have no types; use Register before Run")
	case slices.Contains(c.Lossless, StageReaders):
		err = errors.New("it is lossless for its stages, and cannot have any; use Register before Run")
	}
	return k, err
}

// beforeAdd closes what the log has of a private record to NATS clients, and returns the
// values that history has of a record.
func (db *DB) beforeAdd(k key.Key, c records.Config) ([]records.Stored, error) {
	ctx, cancel := context.WithTimeout(context.Background(), addTimeout)
	defer cancel()
	if err := db.closeReads(ctx, k, c.Remote); err != nil {
		return nil, err
	}
	return db.rowsOf(ctx, k.String(), c)
}

// rowsOf returns what a record that is added after the start had begun finds in history.
func (db *DB) rowsOf(ctx context.Context, name string, c records.Config) ([]records.Stored, error) {
	a := &db.additions
	_, stored := a.rest[name]
	if !a.begun || !c.Logged || db.config.Backend == nil || a.complete && !stored {
		return nil, nil
	}
	if err := db.checkAddedTimes(ctx, name, c.EventTime != nil); err != nil || c.Kind == records.Mailbox {
		return nil, err
	}
	rows, err := db.storedRows(ctx, name, 0, max(1, c.Capacity))
	if errors.Is(err, history.ErrUnavailable) {
		db.config.Logger.Warn("the history cannot be reached; a record begins without the values that it has", "record", name, "error", err)
		return nil, nil
	}
	return rows, err
}

// storedRows returns the newest values of a record in history, the last one first, that
// have a shape or were brought to it.
func (db *DB) storedRows(ctx context.Context, name string, shape, limit int) (rows []records.Stored, err error) {
	q := history.LatestQuery{Pattern: key.WirePattern(name), Limit: limit, By: history.ByStoring}
	for row, err := range db.history().Latest(ctx, q) {
		if err != nil {
			return nil, fmt.Errorf("read its values from history: %w", err)
		}
		if row.Record == name && row.Err == nil && row.Shape == shape { // not the same segments in another spelling
			rows = append(rows, stored(row))
		}
	}
	return rows, nil
}

func stored(row history.Row) records.Stored {
	return records.Stored{ID: row.ID, Record: row.Record, Time: cmp.Or(row.Stored, row.Time), Value: row.Value}
}

// closeReads closes the messages to NATS clients that a private record has from a time
// when it was Remote.
func (db *DB) closeReads(ctx context.Context, k key.Key, remote bool) error {
	a := &db.additions
	if remote || !a.admitted {
		return nil
	}
	old, err := db.bus.FormerlyRemoteKey(ctx, k)
	if err != nil || old.To == 0 {
		return err
	}
	a.closed.To = max(a.closed.To, old.To)
	a.closed.Subjects = slices.Concat(a.closed.Subjects, old.Subjects)
	db.server.AllowReads(natsd.Closed(a.closed))
	return nil
}
