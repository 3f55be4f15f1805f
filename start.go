package aimdb

import (
	"context"
	"errors"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/records"
)

// catchUpTimeout bounds how long a start waits for the backend to store what the
// log still holds from before. A backend that is out of order for longer must not
// keep the database from serving.
const catchUpTimeout = 10 * time.Second

// refill brings the values of the persisted records back from history, closes
// ready, and then waits for its end. It calls release when it no longer reads the
// history. If the history cannot be reached now, the records begin without its values.
func (db *DB) refill(ctx context.Context, release func()) error {
	defer release()
	begin := time.Now()
	complete := db.catchUp(ctx)
	values, err := db.bringBack(ctx, complete)
	if ctx.Err() != nil {
		return nil
	}
	if errors.Is(err, history.ErrUnavailable) {
		db.config.Logger.Warn("the history cannot be reached; records begin without the values that it has",
			"database", db.config.Name, "error", err)
	} else if err != nil {
		return err
	}
	db.config.Logger.Info("the database serves", "database", db.config.Name,
		"refilled", values, "after", time.Since(begin).Round(time.Millisecond))
	release()
	if db.config.Declare != nil {
		if err := db.admitReaders(); err != nil {
			return err
		}
	}
	close(db.ready)
	<-ctx.Done()
	return nil
}

// bringBack checks the times of the rows of all records and returns the number of values
// that the records have back. Those of Declare are known once they are made.
func (db *DB) bringBack(ctx context.Context, complete bool) (values int, err error) {
	if db.config.Declare == nil {
		if err := db.checkEventTimes(ctx); err != nil {
			return 0, err
		}
		return db.refillRecords(ctx)
	}
	values, err = db.refillRecords(ctx)
	if err != nil {
		return values, err
	}
	more, err := db.remakeRecords(ctx, complete)
	if err != nil {
		return values + more, err
	}
	return values + more, db.checkEventTimes(ctx)
}

func (db *DB) refillRecords(ctx context.Context) (values int, err error) {
	for _, h := range db.beginRefill() {
		if !h.Config().Logged {
			continue
		}
		n, err := db.refillRecord(ctx, h)
		if err != nil {
			return values, db.failed(err, "bring record %q back from history", h.Key())
		}
		values += n
	}
	return values, nil
}

// beginRefill returns the records that the start refills.
func (db *DB) beginRefill() []*records.Untyped {
	a := &db.additions
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begun = true
	return db.registry.Records()
}

// catchUp waits until the history has what was in the log at start, and returns whether it
// does.
func (db *DB) catchUp(ctx context.Context) bool {
	limited, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	err := db.allPumps()[0].WaitStored(limited, db.bus.OpenedAt())
	if err != nil && ctx.Err() == nil {
		db.config.Logger.Warn("the backend does not keep up with the log; serving without its newest values",
			"database", db.config.Name, "error", err)
	}
	return err == nil
}

func (db *DB) refillRecord(ctx context.Context, h *records.Untyped) (int, error) {
	rows, err := db.storedRows(ctx, h.Key(), h.Shape(), h.Capacity())
	if err != nil {
		return 0, err
	}
	skipped, err := h.Refill(rows)
	return len(rows) - skipped, err
}
