package aimdb

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// Event is one step of [Follow]: a value, or the marker that says that history
// is exhausted and what follows is live.
type Event[T any] struct {
	Row[T]
	// CaughtUp marks the seam. It comes once, and carries no value.
	CaughtUp bool
	// Lost is the number of values that were lost just before this one, as far
	// as the log knows.
	Lost uint64
}

// Follow yields the history of the records that match a pattern from a time on
// (the zero time is the beginning), then a marker, and then values as they are
// logged, until ctx ends, which ends the sequence without an error. There is no
// gap and no duplicate at the seam: it is a position of the log up to which the
// history is complete. Live values come by way of the log, and so only from
// records that persist. Values that do not decode as T are left out, logged and
// counted.
func Follow[T any](ctx context.Context, db *DB, pattern string, from time.Time) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		p, err := db.checkQuery(pattern)
		if err != nil {
			yield(Event[T]{}, err)
			return
		}
		w, err := window(from, time.Time{})
		if err != nil {
			yield(Event[T]{}, fmt.Errorf("aimdb: follow %q: %w", pattern, err))
			return
		}
		seam, err := db.config.backend.Position(ctx)
		if err != nil {
			yield(Event[T]{}, fmt.Errorf("aimdb: follow %q: find the end of history: %w", pattern, err))
			return
		}
		if seam.Log != db.bus.Identity() {
			seam.Sequence = 0 // the history has nothing of this log yet
		}
		rows := db.config.backend.Range(ctx, records.RangeQuery{
			Pattern: p, Window: w, MaxID: seam.MaxID,
		})
		for row, err := range decode[T](db, rows) {
			if ctx.Err() != nil || !yield(Event[T]{Row: row}, err) || err != nil {
				return
			}
		}
		if !yield(Event[T]{CaughtUp: true}, nil) {
			return
		}
		followLog(ctx, db, p, seam.Sequence, from, yield)
	}
}

// followLog yields what the log has behind a sequence.
func followLog[T any](ctx context.Context, db *DB, p records.Pattern, after uint64, from time.Time, yield func(Event[T], error) bool) {
	for message, err := range db.bus.Follow(ctx, p, after) {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			yield(Event[T]{}, fmt.Errorf("aimdb: follow %q: %w", p, err))
			return
		}
		event := Event[T]{Lost: message.Lost}
		event.Record, event.Time = message.Record, time.UnixMilli(message.Time)
		if event.Time.Before(from) {
			continue
		}
		if err := unmarshal(message.Value, &event.Value); err != nil {
			db.undecoded.add(db.config.logger, records.Row{Record: message.Record, Value: message.Value}, err)
			continue
		}
		if !yield(event, nil) {
			return
		}
	}
}
