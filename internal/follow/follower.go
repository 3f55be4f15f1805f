package follow

import (
	"context"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
)

// Event is one step of a sequence: a value, or the marker that what follows is live.
type Event struct {
	Row      history.Row
	CaughtUp bool
	// Lost is the number of values of the record that were lost just before this one.
	Lost uint64
	// Loss is a range that is missing and of which it is not known whose it is.
	Loss *loss.Loss
	At   Position
}

// Time returns the time of the value of an event, or of its position if it has none.
func (e Event) Time() int64 {
	if e.Row.Record != "" {
		return e.Row.Time
	}
	return e.At.Time()
}

// Follower yields what follows a position.
type Follower struct {
	Source
	// Yield gets each event. It returns false to end the sequence. An error ends it.
	Yield func(Event, error) bool
	// Accept may change a row and reports whether it has a value. Nil takes all.
	Accept func(*history.Row) bool
	// Includes reports whether the values of a record are wanted. Nil means all are.
	Includes func(record string) bool
	// Admits reports whether a value of the log may be used, before Includes is asked. Nil
	// admits all.
	Admits func(context.Context, bus.Message) bool
	// Discarded is called when the log has discarded values before they were read. It
	// returns true to end the sequence. It may be nil.
	Discarded func(bus.Message) bool

	pattern key.Pattern
}

// Run yields until ctx ends.
func (f *Follower) Run(ctx context.Context, at Position) {
	var err error
	if f.pattern, err = key.ParsePattern(at.boundary.Pattern); err != nil {
		f.Yield(Event{}, err)
		return
	}
	if !at.live && f.History == nil {
		f.onlyLog(ctx, at)
		return
	}
	if !at.live && !f.history(ctx, &at) {
		return
	}
	at = at.atLog()
	if f.Yield(Event{CaughtUp: true, At: at}, nil) {
		f.log(ctx, &logPart{Follower: f, at: at, lost: map[string]uint64{}})
	}
}

// atLog returns the position from which on the log is read.
func (p Position) atLog() Position {
	// A row from a time to come does not move the time of live values.
	p.row.Time = min(p.row.Time, time.Now().UnixMilli())
	if p.boundary.Timed { // when the rows were written is not known
		p.row = history.Point{}
	}
	return Position{boundary: p.boundary, row: p.row, live: true, sequence: p.after()}
}

func (f *Follower) wants(record string) bool { return f.Includes == nil || f.Includes(record) }

func (f *Follower) admits(ctx context.Context, m bus.Message) bool {
	return f.Admits == nil || f.Admits(ctx, m)
}

func (f *Follower) accepts(row *history.Row) bool { return f.Accept == nil || f.Accept(row) }

// history yields the rows after a position and moves it. It returns false when the
// sequence ends with them.
func (f *Follower) history(ctx context.Context, at *Position) bool {
	for row, err := range f.History.Range(ctx, at.remaining(f.pattern)) {
		if ctx.Err() != nil {
			return false
		}
		if err != nil {
			f.Yield(Event{}, err)
			return false
		}
		if !f.wants(row.Record) {
			continue
		}
		at.row = row.Point()
		if f.accepts(&row) && !f.Yield(Event{Row: row, At: *at}, nil) {
			return false
		}
	}
	return ctx.Err() == nil
}

// onlyLog yields what the log has, with the marker after the last message that it has now
// of the wanted records.
func (f *Follower) onlyLog(ctx context.Context, at Position) {
	part := &logPart{Follower: f, at: at.atLog(), lost: map[string]uint64{}}
	for m, err := range f.Log.LastValues(ctx) {
		if err != nil {
			f.Yield(Event{}, err)
			return
		}
		if f.pattern.Match(m.Record) && f.admits(ctx, m) && f.wants(m.Record) {
			part.until = max(part.until, m.Sequence)
		}
	}
	if part.until <= part.at.sequence {
		part.until = 0
		if !f.Yield(Event{CaughtUp: true, At: part.at}, nil) {
			return
		}
	}
	f.log(ctx, part)
}

// log yields what the log has after the position of a part.
func (f *Follower) log(ctx context.Context, part *logPart) {
	for message, err := range f.followLog(ctx, f.pattern, part.at.sequence) {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			f.Yield(Event{}, err)
			return
		}
		if !part.take(ctx, message) || !part.mark(message.Sequence) {
			return
		}
	}
}

// logPart is the part of a sequence that comes from the log.
type logPart struct {
	*Follower
	at        Position
	lost      map[string]uint64 // reported with the next event of the record
	discarded *loss.Loss        // reported with the next event of any record
	// until is the sequence of the message after which the marker comes, 0 if it has come.
	until uint64
}

// take yields the value of a message. It returns false at the end.
func (l *logPart) take(ctx context.Context, message bus.Message) bool {
	if missing := message.Loss; missing != nil {
		if l.Discarded != nil && (missing.Cause == loss.LogDiscarded || missing.Cause == loss.LogMissing) && l.Discarded(message) {
			return false
		}
		if missing.Record != "" {
			l.lost[missing.Record] += missing.Count
		} else {
			l.discarded = joined(l.discarded, *missing)
		}
		return true
	}
	if !l.admits(ctx, message) || !l.wants(message.Record) {
		return true
	}
	l.at.sequence, l.at.row.Time = message.Sequence, message.Time
	l.lost[message.Record] += message.Lost
	if l.at.boundary.excludes(&message) {
		return true
	}
	row := history.Row{Record: message.Record, Time: message.RowTime(), Value: message.Value, Shape: message.Shape}
	if !l.accepts(&row) {
		return true
	}
	event := Event{Row: row, Lost: l.lost[message.Record], Loss: l.discarded, At: l.at}
	delete(l.lost, message.Record)
	l.discarded = nil
	return l.Yield(event, nil)
}

// mark yields the marker after the message that it waits for.
func (l *logPart) mark(sequence uint64) bool {
	if l.until == 0 || sequence < l.until {
		return true
	}
	l.until = 0
	return l.Yield(Event{CaughtUp: true, At: l.at}, nil)
}

// joined adds a discarded range to the previous one, if there is one.
func joined(previous *loss.Loss, l loss.Loss) *loss.Loss {
	if previous != nil {
		l.Count += previous.Count
		l.From, l.FirstTime = previous.From, previous.FirstTime
	}
	return &l
}
