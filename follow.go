package aimdb

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"iter"
	"time"

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
		pattern, err := key.ParsePattern(at.boundary.Pattern)
		if err != nil {
			yield(Event[T]{}, err)
			return
		}
		if !at.live && !followHistory(ctx, db, pattern, at, yield) {
			return
		}
		at = followPosition{boundary: at.boundary, live: true, sequence: at.after()}
		if yield(Event[T]{CaughtUp: true, at: at}, nil) {
			followLog(ctx, db, pattern, at, yield)
		}
	}
}

// followHistory yields the rows after a position. It returns false when the
// sequence ends with them.
func followHistory[T any](ctx context.Context, db *DB, p key.Pattern, at followPosition, yield func(Event[T], error) bool) bool {
	for row, err := range db.config.Backend.Range(ctx, at.remaining(p)) {
		if ctx.Err() != nil {
			return false
		}
		if err != nil {
			yield(Event[T]{}, db.failed(err, "follow %q", p))
			return false
		}
		at.row = row.Point()
		if event, ok := eventOf[T](db, row, at); ok && !yield(event, nil) {
			return false
		}
	}
	return ctx.Err() == nil
}

// followLog yields what the log has after a position.
func followLog[T any](ctx context.Context, db *DB, p key.Pattern, at followPosition, yield func(Event[T], error) bool) {
	lost := map[string]uint64{} // reported with the next event of the record
	var discarded *Loss         // reported with the next event of any record
	for message, err := range db.bus.Follow(ctx, p, at.sequence) {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			yield(Event[T]{}, db.failed(err, "follow %q", p))
			return
		}
		if l := message.Loss; l != nil {
			if l.Record != "" {
				lost[l.Record] += l.Count
			} else {
				discarded = joined(discarded, *l)
			}
			continue
		}
		at.sequence = message.Sequence
		lost[message.Record] += message.Lost
		if at.boundary.excludes(message.Time) {
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
	if err := unmarshal(row.Value, &event.Value); err != nil {
		db.undecoded.add(db.config.Logger, row, err)
		return event, false
	}
	return event, true
}

// boundary is where the history of one Follow ends and the log continues: rows up
// to MaxID are what the history has of the log up to Sequence.
type boundary struct {
	Pattern string `json:"pattern"`
	// From is the requested time in Unix milliseconds, nil for none.
	From     *int64 `json:"from,omitempty"`
	Log      string `json:"log"`
	Sequence uint64 `json:"sequence"`
	MaxID    int64  `json:"max_id"`
}

// excludes reports whether a value was written before the requested time.
func (b *boundary) excludes(ms int64) bool { return b.From != nil && ms < *b.From }

// followPosition is the place of an event. It is small, since each event has one.
type followPosition struct {
	boundary *boundary
	// row is the last row of the history; ID 0 is before all rows.
	row history.Point
	// live is true after the end of history, and sequence is the last one of the
	// log then.
	live     bool
	sequence uint64
}

// encodedPosition is a position as a caller gets it.
type encodedPosition struct {
	boundary
	Time int64  `json:"time,omitempty"`
	ID   int64  `json:"id,omitempty"`
	Live bool   `json:"live,omitempty"`
	At   uint64 `json:"at,omitempty"`
}

// String returns the position in the form that parsePosition reads: a checksum and
// JSON.
func (p followPosition) String() string {
	if p.boundary == nil {
		return ""
	}
	body, err := json.Marshal(encodedPosition{*p.boundary, p.row.Time, p.row.ID, p.live, p.sequence})
	if err != nil { // it holds strings and numbers
		panic(fmt.Sprintf("aimdb: encode a position: %v", err))
	}
	sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
	return base64.RawURLEncoding.EncodeToString(append(sum, body...))
}

func parsePosition(text string) (followPosition, error) {
	var e encodedPosition
	data, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(data) < 4 || binary.BigEndian.Uint32(data) != crc32.ChecksumIEEE(data[4:]) || json.Unmarshal(data[4:], &e) != nil {
		return followPosition{}, &history.QueryError{Reason: fmt.Sprintf("aimdb: %q is no position of an event", text)}
	}
	return followPosition{
		boundary: &e.boundary, row: history.Point{Time: e.Time, ID: e.ID}, live: e.Live, sequence: e.At,
	}, nil
}

// startPosition returns the position before everything that Follow yields.
func (db *DB) startPosition(ctx context.Context, pattern string, from time.Time) (followPosition, error) {
	if _, err := db.checkQuery(pattern); err != nil {
		return followPosition{}, err
	}
	start, err := millis("start", from)
	if err != nil {
		return followPosition{}, db.failed(err, "follow %q", pattern)
	}
	at, err := db.config.Backend.Position(ctx)
	if err != nil {
		return followPosition{}, db.failed(err, "follow %q: find the end of history", pattern)
	}
	b := &boundary{Pattern: pattern, From: start, Log: db.bus.Identity(), MaxID: at.MaxID}
	if at.Log == b.Log { // otherwise the history has nothing of this log yet
		b.Sequence = at.Sequence
	}
	return followPosition{boundary: b}, nil
}

// resumePosition returns the position that a text encodes, if the log holds all
// that follows it.
func (db *DB) resumePosition(ctx context.Context, text string) (followPosition, error) {
	p, err := parsePosition(text)
	if err != nil {
		return p, err
	}
	if _, err := db.checkQuery(p.boundary.Pattern); err != nil {
		return p, err
	}
	log, err := db.bus.Stats(ctx)
	if err != nil {
		return p, db.failed(err, "follow %q: find the start of the log", p.boundary.Pattern)
	}
	after := p.after()
	if p.boundary.Log != db.bus.Identity() || after > log.LastSequence || log.FirstSequence > after+1 {
		return p, db.failed(ErrPositionGone, "follow %q", p.boundary.Pattern)
	}
	return p, nil
}

// after returns the sequence after which the log is read.
func (p followPosition) after() uint64 {
	if p.live {
		return p.sequence
	}
	return p.boundary.Sequence
}

// remaining asks for the rows after the position.
func (p followPosition) remaining(pattern key.Pattern) history.RangeQuery {
	q := history.RangeQuery{Pattern: pattern, Window: history.Window{Start: p.boundary.From}, MaxID: p.boundary.MaxID}
	if p.row.ID > 0 {
		q.After = &p.row
	}
	return q
}
