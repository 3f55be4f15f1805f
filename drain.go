package aimdb

import (
	"context"

	"github.com/aimdb-go/aimdb/sinks"
)

// drain lets a pump bring the log to its end before it stops, and says what is
// left.
func (db *DB) drain(left context.Context, pump *sinks.Pump) {
	last, err := db.bus.LastSequence(left)
	if err == nil {
		err = pump.WaitStored(left, last)
	}
	stats := pump.Stats()
	if err != nil {
		stored := stats.Checkpoint.Sequence
		db.config.logger.Warn("a sink did not take everything in time; the rest is in the log and comes after the next start",
			"database", db.config.name, "sink", stats.Sink, "stored", stored, "log", last, "left", last-min(last, stored), "error", err)
		return
	}
	db.config.logger.Info("everything is stored", "database", db.config.name, "sink", stats.Sink, "log", last)
}
