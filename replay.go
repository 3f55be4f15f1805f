package aimdb

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
)

// Event is one step of [Follow]: a value, or the marker that says that history
// is exhausted and what follows is live.
type Event[T any] struct {
	Row[T]
	// CaughtUp marks the seam. It comes once, and carries no value.
	CaughtUp bool
	// Lost is the number of values of the record that were lost just before
	// this one, on their way to the log or because the log discarded them
	// before they were read.
	Lost uint64
	// Loss is set if the log discarded a range before it was read, and does not
	// say whose values those were. It comes with the first event behind them.
	Loss *loss.Loss

	at place
}

// Position returns where the event stands, for [FollowAfter] to go on behind
// it, also in another process.
func (e Event[T]) Position() string { return e.at.String() }

// Follow yields the history of the records that match a pattern from a time on
// (the zero time is the beginning), then a marker, and then values as they are
// logged, until ctx ends, which ends the sequence without an error. There is no
// gap and no duplicate at the seam: it is a position of the log up to which the
// history is complete. Who follows so slowly that the log reaches a limit
// before its values are read is told what is missing, in Lost or in Loss, and
// finds it in the history if it was stored. Live values come by way of the log,
// and so only from records that persist. Values that do not decode as T are left
// out, logged and counted.
func Follow[T any](ctx context.Context, db *DB, pattern string, from time.Time) iter.Seq2[Event[T], error] {
	return follow[T](ctx, db, func() (place, error) { return db.beginning(ctx, pattern, from) })
}

// FollowAfter goes on where an earlier Follow or FollowAfter stood, behind the
// event with a position: with the rest of the history, the marker, and live
// values. There is no gap and no duplicate between the two, also over restarts
// of the database, as long as the log holds what follows; when it does not any
// more, the error is [ErrPositionGone]. What was pruned from the history
// meanwhile is missing.
func FollowAfter[T any](ctx context.Context, db *DB, position string) iter.Seq2[Event[T], error] {
	return follow[T](ctx, db, func() (place, error) { return db.resume(ctx, position) })
}

func follow[T any](ctx context.Context, db *DB, begin func() (place, error)) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		at, err := begin()
		if err != nil {
			yield(Event[T]{}, err)
			return
		}
		pattern, err := key.ParsePattern(at.seam.Pattern)
		if err != nil {
			yield(Event[T]{}, err)
			return
		}
		if !at.live && !followHistory(ctx, db, pattern, at, yield) {
			return
		}
		at = place{seam: at.seam, live: true, sequence: at.after()}
		if yield(Event[T]{CaughtUp: true, at: at}, nil) {
			followLog(ctx, db, pattern, at, yield)
		}
	}
}

// followHistory yields the rows behind a place. It returns false when nothing
// may come behind them.
func followHistory[T any](ctx context.Context, db *DB, p key.Pattern, at place, yield func(Event[T], error) bool) bool {
	begin := at
	for row, err := range db.config.backend.Range(ctx, begin.rest(p)) {
		if ctx.Err() != nil {
			return false
		}
		if err != nil {
			yield(Event[T]{}, fmt.Errorf("aimdb: follow %q: %w", p, err))
			return false
		}
		if begin.passed(row) {
			continue
		}
		at.time, at.id = row.Time, row.ID
		if event, ok := eventOf[T](db, row, at); ok && !yield(event, nil) {
			return false
		}
	}
	return ctx.Err() == nil
}

// followLog yields what the log has behind a place.
func followLog[T any](ctx context.Context, db *DB, p key.Pattern, at place, yield func(Event[T], error) bool) {
	lost := map[string]uint64{} // what the next event of a record has to tell
	var discarded *loss.Loss    // what the next event of any has to
	for message, err := range db.bus.Follow(ctx, p, at.sequence) {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			yield(Event[T]{}, fmt.Errorf("aimdb: follow %q: %w", p, err))
			return
		}
		if loss := message.Loss; loss != nil {
			if loss.Record != "" {
				lost[loss.Record] += loss.Count
			} else {
				discarded = joined(discarded, *loss)
			}
			continue
		}
		at.sequence = message.Sequence
		lost[message.Record] += message.Lost
		if at.seam.early(message.Time) {
			continue
		}
		event, ok := eventOf[T](db, history.Row{Record: message.Record, Time: message.Time, Value: message.Value}, at)
		if !ok {
			continue
		}
		event.Lost, event.Loss = lost[event.Record], discarded
		delete(lost, event.Record)
		discarded = nil
		if !yield(event, nil) {
			return
		}
	}
}

// joined adds a range that the log discarded to the one before, if there is one.
func joined(before *loss.Loss, l loss.Loss) *loss.Loss {
	if before != nil {
		l.Count += before.Count
		l.From, l.FirstTime = before.From, before.FirstTime
	}
	return &l
}

// eventOf returns false for a value that does not decode, which is counted.
func eventOf[T any](db *DB, row history.Row, at place) (Event[T], bool) {
	event := Event[T]{Row: Row[T]{Record: row.Record, Time: time.UnixMilli(row.Time)}, at: at}
	if err := unmarshal(row.Value, &event.Value); err != nil {
		db.undecoded.add(db.config.logger, row, err)
		return event, false
	}
	return event, true
}
