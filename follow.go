package aimdb

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aimdb-go/aimdb/internal/follow"
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

	at follow.Position
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
	return followFrom[T](ctx, db, func() (follow.Position, error) { return db.startPosition(ctx, pattern, from) })
}

// FollowAfter continues an earlier Follow or FollowAfter after the event with a
// position: with the rest of the history, the marker, and live values. There is no
// gap and no duplicate between the two, also over restarts of the database, as long
// as the log holds what follows; otherwise the error is [ErrPositionGone]. Rows that
// were pruned from the history meanwhile are missing.
func FollowAfter[T any](ctx context.Context, db *DB, position string) iter.Seq2[Event[T], error] {
	return followFrom[T](ctx, db, func() (follow.Position, error) { return db.resumePosition(ctx, position) })
}

func followFrom[T any](ctx context.Context, db *DB, begin func() (follow.Position, error)) iter.Seq2[Event[T], error] {
	return func(yield func(Event[T], error) bool) {
		at, err := begin()
		if err != nil {
			yield(Event[T]{}, err)
			return
		}
		var value T
		f := follow.Follower{Source: db.source(), Accept: accepting(db, &value)}
		f.Yield = func(e follow.Event, err error) bool {
			if err != nil {
				return yield(Event[T]{}, db.failed(err, "follow %q", at.Pattern()))
			}
			event := Event[T]{CaughtUp: e.CaughtUp, Lost: e.Lost, Loss: e.Loss, at: e.At}
			if !e.CaughtUp {
				event.Row = Row[T]{Record: e.Row.Record, Time: time.UnixMilli(e.Row.Time), Value: value}
			}
			return yield(event, nil)
		}
		f.Run(ctx, at)
	}
}

// startPosition returns the position before everything that Follow yields.
func (db *DB) startPosition(ctx context.Context, pattern string, from time.Time) (follow.Position, error) {
	start, err := millis("start", from)
	if err != nil {
		return follow.Position{}, db.failed(err, "follow %q", pattern)
	}
	if _, err := db.checkQuery(pattern); err != nil {
		return follow.Position{}, err
	}
	at, err := db.source().Start(ctx, pattern, start)
	return at, db.failed(err, "follow %q", pattern)
}

// resumePosition returns the position that a text encodes, if the log holds all
// that follows it.
func (db *DB) resumePosition(ctx context.Context, text string) (follow.Position, error) {
	p, err := follow.Parse(text)
	if err != nil {
		return p, fmt.Errorf("aimdb: %w", err)
	}
	if _, err := db.checkQuery(p.Pattern()); err != nil {
		return p, err
	}
	gone, err := db.source().Gone(ctx, p)
	if err == nil && gone != "" {
		err = fmt.Errorf("%w (%s)", ErrPositionGone, gone)
	}
	return p, db.failed(err, "follow %q", p.Pattern())
}
