package follow

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// Source is what is followed.
type Source struct {
	Log *bus.Bus
	// History has what was stored from the log. It may be nil.
	History history.Reader
	// Tail, if it is not nil, is that of Log: the sequence goes on there where it has
	// reached it.
	Tail *Tail
}

// followLog yields the messages of the log after a sequence.
func (s Source) followLog(ctx context.Context, pattern key.Pattern, after uint64) iter.Seq2[bus.Message, error] {
	if s.Tail != nil {
		return s.Tail.Follow(ctx, pattern, after)
	}
	return s.Log.Follow(ctx, pattern, after)
}

// fallBackOverlap is how many milliseconds before the last value the history is sent
// again if the log does not reach back: values of other records may have been logged
// after it and written before it.
const fallBackOverlap = 10_000

// Start returns the position before everything that is there from a time on, in Unix
// milliseconds; nil is the beginning.
func (s Source) Start(ctx context.Context, pattern string, from *int64) (Position, error) {
	return s.start(ctx, pattern, from, nil)
}

func (s Source) start(ctx context.Context, pattern string, from, since *int64) (Position, error) {
	if _, err := key.ParsePattern(pattern); err != nil {
		return Position{}, err
	}
	b := &boundary{Pattern: pattern, From: from, Since: since, Log: s.Log.Identity(), MaxID: -1}
	if s.History == nil {
		first, _, err := s.Log.Extent(ctx)
		if err != nil {
			return Position{}, fmt.Errorf("find the start of the log: %w", err)
		}
		b.Sequence = max(first, 1) - 1
		return Position{boundary: b.encode()}, nil
	}
	at, err := s.History.Position(ctx)
	if err != nil {
		return Position{}, fmt.Errorf("find the end of history: %w", err)
	}
	b.MaxID, b.History = at.MaxID, at.Identity
	if b.Timed, err = s.timed(ctx); err != nil {
		return Position{}, err
	}
	if at.Log == b.Log { // otherwise the history has nothing of this log yet
		b.Sequence = at.Sequence
	}
	return Position{boundary: b.encode()}, nil
}

// End returns the position after everything that is in the log now.
func (s Source) End(ctx context.Context, pattern string) (Position, error) {
	if _, err := key.ParsePattern(pattern); err != nil {
		return Position{}, err
	}
	_, last, err := s.Log.Extent(ctx)
	if err != nil {
		return Position{}, fmt.Errorf("find the end of the log: %w", err)
	}
	b := &boundary{Pattern: pattern, Log: s.Log.Identity(), Sequence: last, MaxID: -1}
	now := history.Point{Time: time.Now().UnixMilli()}
	return Position{boundary: b.encode(), row: now, live: true, sequence: last}, nil
}

// Gone says why the sequence cannot continue after a position without a gap. It returns
// nothing if it can.
func (s Source) Gone(ctx context.Context, p Position) (reason string, err error) {
	reason, _, err = s.gone(ctx, p)
	return reason, err
}

// gone also returns whether the log is the same and has only discarded what follows.
func (s Source) gone(ctx context.Context, p Position) (reason string, discarded bool, err error) {
	first, last, err := s.Log.Extent(ctx)
	if err != nil {
		return "", false, fmt.Errorf("find the start of the log: %w", err)
	}
	switch after := p.after(); {
	case p.boundary.Log != s.Log.Identity():
		return "the position belongs to another log: the log was deleted and created again, or the position is of another database", false, nil
	case after > last:
		return fmt.Sprintf("the log has lost its end: the position is after message %d, and the log ends at %d", after, last), false, nil
	case first > after+1:
		return fmt.Sprintf("the log has discarded messages after the position: it begins at message %d, and the position is after %d", first, after), true, nil
	}
	reason, err = s.otherHistory(ctx, p)
	return reason, false, err
}

// otherHistory says why the rows after a position cannot be found by their IDs.
func (s Source) otherHistory(ctx context.Context, p Position) (string, error) {
	switch {
	case p.live || p.boundary.MaxID < 0: // no row follows
		return "", nil
	case s.History == nil:
		return "the position is in a history, and there is none here", nil
	case p.boundary.History == "":
		return "", nil // of an earlier version
	}
	at, err := s.History.Position(ctx)
	if err != nil {
		return "", fmt.Errorf("find the end of history: %w", err)
	}
	if at.Identity != p.boundary.History {
		return "the position is in another history: the history was made again, or the position is of another copy", nil
	}
	return "", nil
}

// FallBack returns the position from which on the values after a position of a log are
// sent again.
func (s Source) FallBack(ctx context.Context, p Position) (Position, error) {
	from, since := p.boundary.From, p.boundary.Since
	timed, err := s.timed(ctx)
	if err != nil {
		return Position{}, err
	}
	later := func(t *int64) *int64 {
		if at := p.row.Time - fallBackOverlap; p.row != (history.Point{}) && (t == nil || at > *t) {
			return &at
		}
		return t
	}
	switch {
	case !timed:
		from = later(from)
	case p.live:
		since = later(since)
	default: // it is among rows in the order of their own times, and late ones may have come
	}
	return s.start(ctx, p.boundary.Pattern, from, since)
}

// timed reports whether rows of the history have times of their own.
func (s Source) timed(ctx context.Context) (bool, error) {
	h, can := s.History.(timedReader)
	if !can {
		return false, nil
	}
	timed, err := h.HasEventTimes(ctx)
	if err != nil {
		return false, fmt.Errorf("find out whether the history has event times: %w", err)
	}
	return timed, nil
}

// timedReader is the part of history.EventTimed that is asked.
type timedReader interface {
	HasEventTimes(ctx context.Context) (bool, error)
}
