package aimdb

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
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
	db.catchUp(ctx)
	if err := db.checkEventTimes(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, history.ErrUnavailable) {
		return err
	}
	values, err := db.refillRecords(ctx)
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
	close(db.ready)
	<-ctx.Done()
	return nil
}

func (db *DB) refillRecords(ctx context.Context) (values int, err error) {
	for _, h := range db.registry.Records() {
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

// catchUp waits until the history has what was in the log at start.
func (db *DB) catchUp(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, catchUpTimeout)
	defer cancel()
	if err := db.allPumps()[0].WaitStored(limited, db.bus.OpenedAt()); err != nil && ctx.Err() == nil {
		db.config.Logger.Warn("the backend does not keep up with the log; serving without its newest values",
			"database", db.config.Name, "error", err)
	}
}

func (db *DB) refillRecord(ctx context.Context, h *records.Untyped) (int, error) {
	var rows []records.Stored
	q := history.LatestQuery{Pattern: key.WirePattern(h.Key()), Limit: h.Capacity(), By: history.ByStoring}
	for row, err := range db.history().Latest(ctx, q) {
		if err != nil {
			return 0, err
		}
		if row.Record == h.Key() && row.Err == nil { // not the same segments in another spelling
			rows = append(rows, records.Stored{ID: row.ID, Record: row.Record, Time: cmp.Or(row.Stored, row.Time), Value: row.Value})
		}
	}
	skipped, err := h.Refill(rows)
	return len(rows) - skipped, err
}
