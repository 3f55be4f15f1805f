package aimdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/records"
)

// EventTime says that the values of a record have times of their own, such as the time of a
// measurement that comes late, and how to read it: of returns the zero time if a value has
// none. The log carries it beside the time of the write, and the history has the value under
// it: in ranges, buckets, latest values and everything else that names a time. Late values
// are answered in their place. The record must [Persist], and of must depend on the value
// alone.
//
// Order of storing, ages and limits of the history go by the times of the writes as before:
// a value from long ago is not too old when it comes. A value whose time is not in the years
// 1970 to 9999 is stored with the time of its write and counted in Metrics.BadTimes of its
// record. Times to come are allowed.
//
// A record that has rows is refused at start when the option is added or taken away, until
// the rows have been given their new times: see [MigrateAtStart]. That another function takes
// the place of one is not noticed: rows keep the times that the former one gave them, until
// MigrateAtStart reads the times of all rows again.
func EventTime[T any](of func(T) time.Time) RecordOption {
	return func(c *records.Config) { c.EventTime = of }
}

// MigrateAtStart sets Config.MigrateAtStart.
func MigrateAtStart() Option {
	return func(c *Config) error { c.MigrateAtStart = true; return nil }
}

// ErrEventTimes is the error of Run if the rows of a record have times of their own and the
// record has no [EventTime], or the other way round.
var ErrEventTimes = errors.New("aimdb: rows of the history have other times than their record")

// keepsEventTimes returns an error if the backend cannot keep event times.
func (db *DB) keepsEventTimes() error {
	if _, can := db.config.Backend.(history.EventTimed); !can && db.config.Backend != nil {
		return errors.New("its values have times of their own, and the backend is no history.EventTimed; give another one, or leave EventTime out")
	}
	return nil
}

// checkEventTimes compares the rows of the history with the records, and migrates the
// history if it is to be migrated at start.
func (db *DB) checkEventTimes(ctx context.Context) error {
	timed, can := db.config.Backend.(history.EventTimed)
	if !can {
		return nil
	}
	if db.config.MigrateAtStart {
		_, err := db.rewriteHistory(ctx, func(int64) {})
		if err != nil && !errors.Is(err, ErrNotMigratable) {
			return err
		}
	}
	var logged []*records.Untyped
	var names []string
	for _, r := range db.registry.Records() {
		if r.Config().Logged {
			logged, names = append(logged, r), append(names, r.Key())
		}
	}
	if len(names) == 0 {
		return nil
	}
	all, err := timed.EventTimes(ctx, names...)
	if err != nil {
		return db.failed(err, "read which records have event times")
	}
	var wrong []error
	for _, r := range logged {
		wrong = append(wrong, otherTimes(r.Key(), r.EventTimed(), all[r.Key()]))
	}
	return errors.Join(wrong...)
}

// otherTimes returns an error if the rows of a record have other times than its values will
// have.
func otherTimes(name string, timed bool, have history.EventTimes) error {
	switch {
	case timed && have.Without > 0:
		return fmt.Errorf("%w: %d rows of %q have the times of their writes, and the record has an EventTime; start once with MigrateAtStart, and the record registered or added before Run, to give them their own", ErrEventTimes, have.Without, name)
	case !timed && have.With > 0:
		return fmt.Errorf("%w: %d rows of %q have times of their own, and the record has no EventTime; give it one, or start once with MigrateAtStart, and the record registered or added before Run, to give them the times of their writes", ErrEventTimes, have.With, name)
	}
	return nil
}

// checkTimesOf does for a record that is added after the start what checkEventTimes does
// for the others.
func (db *DB) checkTimesOf(ctx context.Context, name string, c records.Config) error {
	timed, can := db.config.Backend.(history.EventTimed)
	if !can {
		return nil
	}
	all, err := timed.EventTimes(ctx, name)
	if err != nil {
		return fmt.Errorf("read whether its rows have event times: %w", err)
	}
	return otherTimes(name, c.EventTime != nil, all[name])
}

// retime gives the rows of all records the times that they have now. It returns how many it
// has changed.
func (db *DB) retime(ctx context.Context, changed func(int)) error {
	timed, can := db.config.Backend.(history.EventTimed)
	if !can {
		return nil
	}
	all, err := timed.EventTimes(ctx)
	if err != nil {
		return err
	}
	for _, r := range db.registry.Records() {
		have := all[r.Key()]
		switch {
		case !r.Config().Logged:
			continue
		case r.EventTimed() && have.With+have.Without > 0:
			err = timed.Retime(ctx, r.Key(), db.ownTimes(r), changed)
		case !r.EventTimed() && have.With > 0:
			err = timed.Retime(ctx, r.Key(), nil, changed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ownTimes returns the function for history.EventTimed.Retime.
func (db *DB) ownTimes(r *records.Untyped) func(history.Row) (int64, bool) {
	up, said := db.newRowUpgrade(), false
	return func(row history.Row) (int64, bool) {
		up.do(&row)
		if row.Err != nil {
			return 0, false // it is counted
		}
		ms, has, err := r.EventTime(row.Value)
		if err != nil && !said {
			said = true
			db.config.Logger.Warn("a stored row has no usable time of its own and keeps the time of its write; further ones of this record are not reported",
				"record", row.Record, "row", row.ID, "error", err)
		}
		return ms, has && err == nil
	}
}
