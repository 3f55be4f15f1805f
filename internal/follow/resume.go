package follow

import (
	"context"
	"fmt"
	"iter"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// Query says what a client of a gateway follows.
type Query struct {
	Pattern key.Pattern
	// From is a time in Unix milliseconds. If it is nil, After is the text of a position, ""
	// for the end of the log.
	From  *int64
	After string
	// Includes, Accept and Admits are those of Follower.
	Includes func(record string) bool
	Accept   func(*history.Row) bool
	Admits   func(context.Context, bus.Message) bool
}

// Step is an event, or where a sequence begins.
type Step struct {
	Event
	Begin *Begin
}

// Begin says where a sequence begins, or begins again.
type Begin struct {
	// Base is the first part of the texts of the positions that follow.
	Base string
	// Reason is why it is not after the position that was asked for, empty if it is. Then
	// From is the time from which on values are sent again.
	Reason string
	From   int64
}

// Resume yields what a query asks for until ctx ends. If the log does not reach back to the
// position it falls back by itself, before the first event or later because its caller was
// slow, and says so in another Begin. An error ends it.
func (s Source) Resume(ctx context.Context, q Query) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		at, reason, err := s.begin(ctx, q)
		for err == nil {
			begin := &Begin{Base: at.boundary.base, Reason: reason}
			if reason != "" {
				begin.From = at.boundary.begins()
			}
			if !yield(Step{Begin: begin, Event: Event{At: at}}, nil) {
				return
			}
			r := &resumed{source: s, last: at, yield: yield}
			if at, reason, err = r.read(ctx, q); err == nil && reason == "" {
				return
			}
		}
		if ctx.Err() == nil {
			yield(Step{}, err)
		}
	}
}

// begin returns where to begin, and why it is not where the client asked for.
func (s Source) begin(ctx context.Context, q Query) (at Position, reason string, err error) {
	if q.From != nil {
		at, err = s.Start(ctx, q.Pattern.String(), q.From)
		return at, "", err
	}
	if q.After == "" {
		at, err = s.End(ctx, q.Pattern.String())
		return at, "", err
	}
	if at, err = Parse(q.After); err != nil {
		return at, "", err
	}
	if at.boundary.Pattern != q.Pattern.String() {
		return at, "", &history.QueryError{Reason: fmt.Sprintf("the position is one of %q; it cannot continue %q", at.boundary.Pattern, q.Pattern)}
	}
	reason, discarded, err := s.gone(ctx, at)
	if err != nil || reason == "" || discarded && s.History == nil { // then what is missing is reported as a loss
		return at, "", err
	}
	at, err = s.FallBack(ctx, at)
	return at, reason, err
}

// resumed reads history and log from one position on.
type resumed struct {
	source Source
	// last is the position of the last event that was yielded.
	last  Position
	yield func(Step, error) bool
	// next is where to continue if the log has discarded what follows, and reason says
	// so. err is why that is not known.
	next   Position
	reason string
	err    error
}

// read returns where to continue, with a reason, or no reason at the end.
func (r *resumed) read(ctx context.Context, q Query) (next Position, reason string, err error) {
	f := Follower{Source: r.source, Yield: r.event, Includes: q.Includes, Accept: q.Accept, Admits: q.Admits}
	if r.source.History != nil {
		f.Discarded = func(m bus.Message) bool { return r.discarded(ctx, m) }
	}
	f.Run(ctx, r.last)
	return r.next, r.reason, r.err
}

// event yields one event.
func (r *resumed) event(e Event, err error) bool {
	if err == nil {
		r.last = e.At
	}
	return r.yield(Step{Event: e}, err)
}

// discarded reports whether the history has what the log has discarded before this
// reader read it. Then reading continues there.
func (r *resumed) discarded(ctx context.Context, m bus.Message) bool {
	next, err := r.source.FallBack(ctx, r.last)
	if err != nil {
		r.err = err
		return true
	}
	if next.boundary.Sequence < m.Sequence { // it would miss the same again
		return false
	}
	r.next = next
	r.reason = fmt.Sprintf("the log has discarded messages up to %d before this subscription read them: it reads more slowly than values are logged", m.Sequence)
	return true
}
