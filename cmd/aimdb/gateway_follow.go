package main

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/mirror"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/follow"
)

// logFollower answers a sub with from out of a log that is kept elsewhere, and of a history
// if there is one. While the log is away, a sequence waits and then continues where it was.
type logFollower struct {
	mirror  *mirror.Mirror
	history history.Reader // nil if there is none
	logger  *slog.Logger
}

func (f *logFollower) follow(ctx context.Context, q gateway.FollowQuery) iter.Seq2[gateway.FollowEvent, error] {
	return func(yield func(gateway.FollowEvent, error) bool) {
		s := &logSequence{logFollower: f, yield: yield, asked: follow.Query{
			Pattern: q.Pattern, From: q.From, After: q.After, Includes: q.Includes, Accept: f.accept, Admits: f.admits,
		}}
		for ctx.Err() == nil && s.read(ctx) {
		}
	}
}

// admits leaves out values that are private, and those of names that no record can have.
// The mirror may read a message of a new record later than a sequence does.
func (f *logFollower) admits(ctx context.Context, m bus.Message) bool {
	return m.Remote && f.mirror.Knows(ctx, m.Record, m.Sequence)
}

// accept leaves out what is no JSON, which no frame can carry.
func (f *logFollower) accept(row *history.Row) bool {
	valid := json.Valid(row.Value)
	if !valid {
		f.logger.Warn("a value that is no JSON is left out of a subscription", "record", row.Record, "time", row.Time)
	}
	return valid
}

// logSequence is one sequence.
type logSequence struct {
	*logFollower
	yield func(gateway.FollowEvent, error) bool
	// asked is what is left to read.
	asked follow.Query
	// begun and caughtUp say that the client knows.
	begun, caughtUp bool
}

// read reads until the log is away, and returns false at the end.
func (s *logSequence) read(ctx context.Context) bool {
	log, reading, err := s.mirror.Log(ctx)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(reading, cancel)()
	for step, err := range (follow.Source{Log: log, History: s.history}).Resume(ctx, s.asked) {
		if err != nil {
			if reading.Err() != nil {
				return true
			}
			s.yield(gateway.FollowEvent{}, err)
			return false
		}
		if !s.step(step) {
			return false
		}
	}
	return true
}

// step yields one step. Where reading goes on after the log was away, the client does not
// need to know.
func (s *logSequence) step(step follow.Step) bool {
	s.asked.From, s.asked.After = nil, step.At.String()
	event := gateway.FollowEvent{
		CaughtUp: step.CaughtUp, At: step.At.Place(),
		Record: step.Row.Record, Time: step.Event.Time(), Value: step.Row.Value, Lost: step.Lost, Loss: step.Loss,
	}
	switch b := step.Begin; {
	case b != nil && b.Reason == "" && s.begun, step.CaughtUp && s.caughtUp:
		return true
	case b != nil:
		s.begun, s.caughtUp = true, false
		event.Begin = &gateway.FollowBegin{Base: b.Base, Reason: b.Reason, From: b.From}
	case step.CaughtUp:
		s.caughtUp = true
	}
	return s.yield(event, nil)
}
