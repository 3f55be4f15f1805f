package aimdb

import (
	"context"
	"iter"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
)

// Loss is a number of values that did not reach their destination, with cause,
// range and times.
type Loss = loss.Loss

// Event is one step of [Follow]: a value, or the marker that history is exhausted
// and what follows is live.
type Event[T any] struct {
	Row[T]
	// CaughtUp marks the end of history. It comes once and carries no value.
	CaughtUp bool
	// Lost is the number of values of the record that were lost just before this
	// one, on their way to the log or because the log discarded them before they
	// were read. Losses of a sink do not count.
	Lost uint64
	// Loss is set if the log discarded a range before it was read and it is not
	// known which records it belonged to. It comes with the first event after the
	// range.
	Loss *Loss

	at followPosition
}

// Position returns the place of the event. [FollowAfter] continues after it, also
// in another process.
func (e Event[T]) Position() string { return e.at.String() }

// Follow yields the history of the records that match a pattern from a time on
// (the zero time is the beginning), then a marker, and then values as they are
// logged, until ctx ends, which ends the sequence without an error. There is no
// gap and no duplicate between history and live values: they meet at a position of
// the log up to which the history is complete. A caller that reads so slowly that
// the log reaches a limit first is told what is missing, in Lost or in Loss, and
// finds it in the history if it was stored. Live values come by way of the log, and
// so only from records that persist. Values that do not decode as T are left out,
// logged and counted.
func Follow[T any](ctx context.Context, db *DB, pattern string, from time.Time) iter.Seq2[Event[T], error] {
	return follow[T](ctx, db, func() (followPosition, error) { return db.startPosition(ctx, pattern, from) })
}

// FollowAfter continues an earlier Follow or FollowAfter after the event with a
// position: with the rest of the history, the marker, and live values. There is no
// gap and no duplicate between the two, also over restarts of the database, as long
// as the log holds what follows; otherwise the error is [ErrPositionGone]. Rows that
// were pruned from the history meanwhile are missing.
func FollowAfter[T any](ctx context.Context, db *DB, position string) iter.Seq2[Event[T], error] {
	return follow[T](ctx, db, func() (followPosition, error) { return db.resumePosition(ctx, position) })
}

func follow[T any](ctx context.Context, db *DB, begin func() (followPosition, error)) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		at, err := begin()
		if err != nil {
			yield(Event[T]{}, err)
			return
		}
		f := follower[T]{db: db, yield: yield}
		f.run(ctx, at)
	}
}

// follower yields what follows a position.
type follower[T any] struct {
	db      *DB
	pattern key.Pattern
	yield   func(Event[T], error) bool
	// includes reports whether the values of a record are wanted. Nil means all are.
	includes func(record string) bool
	// discarded is called when the log has discarded values before they were read. It
	// returns true to end the sequence. It may be nil.
	discarded func(bus.Message) bool
}

func (f *follower[T]) run(ctx context.Context, at followPosition) {
	var err error
	if f.pattern, err = key.ParsePattern(at.boundary.Pattern); err != nil {
		f.yield(Event[T]{}, err)
		return
	}
	if !at.live && !f.history(ctx, &at) {
		return
	}
	// A row from a time to come does not move the time of live values.
	at.row.Time = min(at.row.Time, time.Now().UnixMilli())
	at = followPosition{boundary: at.boundary, row: at.row, live: true, sequence: at.after()}
	if f.yield(Event[T]{CaughtUp: true, at: at}, nil) {
		f.log(ctx, at)
	}
}

func (f *follower[T]) wants(record string) bool { return f.includes == nil || f.includes(record) }

// history yields the rows after a position and moves it. It returns false when the
// sequence ends with them.
func (f *follower[T]) history(ctx context.Context, at *followPosition) bool {
	for row, err := range f.db.history().Range(ctx, at.remaining(f.pattern)) {
		if ctx.Err() != nil {
			return false
		}
		if err != nil {
			f.yield(Event[T]{}, f.db.failed(err, "follow %q", f.pattern))
			return false
		}
		if !f.wants(row.Record) {
			continue
		}
		at.row = row.Point()
		if event, ok := eventOf[T](f.db, row, *at); ok && !f.yield(event, nil) {
			return false
		}
	}
	return ctx.Err() == nil
}

// log yields what the log has after a position.
func (f *follower[T]) log(ctx context.Context, at followPosition) {
	lost := map[string]uint64{} // reported with the next event of the record
	var discarded *Loss         // reported with the next event of any record
	up := f.db.newRowUpgrade()
	for message, err := range f.db.bus.Follow(ctx, f.pattern, at.sequence) {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			f.yield(Event[T]{}, f.db.failed(err, "follow %q", f.pattern))
			return
		}
		if l := message.Loss; l != nil {
			if f.discarded != nil && (l.Cause == loss.LogDiscarded || l.Cause == loss.LogMissing) && f.discarded(message) {
				return
			}
			if l.Record != "" {
				lost[l.Record] += l.Count
			} else {
				discarded = joined(discarded, *l)
			}
			continue
		}
		if !f.wants(message.Record) {
			continue
		}
		at.sequence = message.Sequence
		at.row.Time = message.Time
		lost[message.Record] += message.Lost
		if at.boundary.excludes(message.Time) {
			continue
		}
		row := history.Row{Record: message.Record, Time: message.Time, Value: message.Value, Shape: message.Shape}
		up.do(&row)
		event, ok := eventOf[T](f.db, row, at)
		if !ok {
			continue
		}
		event.Lost, event.Loss = lost[event.Record], discarded
		delete(lost, event.Record)
		discarded = nil
		if !f.yield(event, nil) {
			return
		}
	}
}

// joined adds a discarded range to the previous one, if there is one.
func joined(previous *Loss, l Loss) *Loss {
	if previous != nil {
		l.Count += previous.Count
		l.From, l.FirstTime = previous.From, previous.FirstTime
	}
	return &l
}

// eventOf returns false for a value that does not decode, which is counted.
func eventOf[T any](db *DB, row history.Row, at followPosition) (Event[T], bool) {
	event := Event[T]{Row: Row[T]{Record: row.Record, Time: time.UnixMilli(row.Time)}, at: at}
	if row.Err != nil {
		return event, false
	}
	if err := unmarshal(row.Value, &event.Value); err != nil {
		db.undecoded.add(db.config.Logger, row, err)
		return event, false
	}
	return event, true
}
