package aimdb

import (
	"context"

	"github.com/aimdb-go/aimdb/sinks/pump"
)

// outlet is a pump of a database, with its end.
type outlet struct {
	db   *DB
	pump *pump.Pump
	// left bounds the end. It is set by drain if the log goes with the process
	// and the sink has all of it.
	left context.Context
}

// run works until ctx ends.
func (o *outlet) run(ctx context.Context) error {
	if err := o.pump.Run(ctx); err != nil || o.left == nil {
		return err
	}
	if err := o.pump.Leave(o.left); err != nil {
		o.db.config.logger.Warn("everything is stored, but the next start will note a loss of unknown size, because the sink could not be told",
			"database", o.db.config.name, "error", err)
	}
	return nil
}

// drain lets the pump bring the log to its end before it stops, and says what
// is left.
func (o *outlet) drain(left context.Context) {
	db := o.db
	last, err := db.bus.LastSequence(left)
	if err == nil {
		err = o.pump.WaitStored(left, last)
	}
	stats := o.pump.Stats()
	stored := stats.Checkpoint.Sequence
	say := db.config.logger.With("database", db.config.name, "sink", stats.Sink, "stored", stored, "log", last, "left", last-min(last, stored))
	switch memory := db.config.dir == ""; {
	case err == nil:
		say.Info("everything in the log is stored")
		if memory && db.logged() {
			o.left = left
		}
	case memory:
		say.Error("a sink did not take everything in time; the rest is lost, because the log is in memory and ends with the process", "error", err)
	default:
		say.Warn("a sink did not take everything in time; the rest is in the log and comes after the next start", "error", err)
	}
}

// logged reports whether the log has dealt with all that records were given.
func (db *DB) logged() bool {
	for _, h := range db.registry.Records() {
		if h.Config().Logged && h.Acked() < h.Produced() {
			return false
		}
	}
	return true
}
