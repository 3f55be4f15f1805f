package aimx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/internal/backoff"
)

// Follow yields the stored values of the records that match a key or a pattern from a
// start on, then an event with CaughtUp, and then values as they are logged. There is no
// gap and no duplicate. If the connection is lost it yields an event with Cut, connects
// again and continues after the last event. It waits up to 10 seconds between two
// attempts, and uses a connection of its own from then on.
//
// The sequence ends when ctx does, which is no error, with Close of the client, and with
// a refusal by the server. A server of upstream cannot follow and is refused as such.
// A caller may be slow: it loses nothing, and the server reads its log again for it.
func (c *Client) Follow(ctx context.Context, pattern string, start Start) iter.Seq2[Event[json.RawMessage], error] {
	return func(yield func(Event[json.RawMessage], error) bool) {
		f := &follow{first: c, client: c, pattern: pattern, start: start, yield: yield}
		defer f.release()
		if err := f.run(ctx); err != nil && ctx.Err() == nil {
			yield(Event[json.RawMessage]{}, err)
		}
	}
}

// errFollowEnded ends a follow whose caller wants no more.
var errFollowEnded = errors.New("the caller has ended the sequence")

// follow is the state of one Follow.
type follow struct {
	// first is the client of the caller, client the one in use.
	first, client *Client
	pattern       string
	start         Start
	position      string
	yield         func(Event[json.RawMessage], error) bool
	// worked is true if the connection has delivered something.
	worked bool
}

// redial is the pause between two attempts to connect.
func redial() backoff.Backoff {
	return backoff.Backoff{First: 100 * time.Millisecond, Longest: 10 * time.Second}
}

func (f *follow) run(ctx context.Context) error {
	if !wire.IsPlain(f.pattern) || f.pattern == "" || f.start.from == nil {
		return fmt.Errorf("follow %q: it needs a start, and a pattern that is not empty and has no quotes, backslashes or control characters", f.pattern)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer f.first.onClose(cancel)()
	for failures := 1; ; failures++ {
		err := f.subscribe(ctx)
		var lost *ConnectionError
		switch {
		case errors.Is(err, errFollowEnded):
			return nil
		case ctx.Err() != nil && f.first.isClosed():
			return fmt.Errorf("follow %s: %w", f.pattern, ErrClientClosed)
		case ctx.Err() != nil:
			return nil
		case err == nil: // the queue was full
			failures = 0
			continue
		case !errors.As(err, &lost):
			return err
		}
		if f.worked {
			f.worked, failures = false, 1
			if !f.yield(Event[json.RawMessage]{Cut: err, position: f.position}, nil) {
				return nil
			}
		}
		if redial().Wait(ctx, failures) != nil {
			continue
		}
		if err := f.connect(ctx); err != nil {
			return err
		}
	}
}

// connect replaces the client. It returns a refusal only: if the server cannot be
// reached, the next subscribe fails and the follow waits longer.
func (f *follow) connect(ctx context.Context) error {
	client, err := f.first.redial(ctx)
	if err == nil {
		f.release()
		f.client = client
		return nil
	}
	if refused := (*Refusal)(nil); errors.As(err, &refused) {
		return err
	}
	return nil
}

// release closes a client that belongs to the follow.
func (f *follow) release() {
	if f.client != f.first {
		_ = f.client.Close() // always nil
	}
}

// subscribe yields the events of one subscription. It returns nil if the subscription
// has to be made again, because its queue was full.
func (f *follow) subscribe(ctx context.Context) error {
	s, err := f.client.openStream(ctx, f.pattern, f.start)
	if err != nil {
		return err
	}
	defer s.close()
	for {
		frame, err := s.next(ctx)
		if err != nil {
			return err
		}
		if frame == nil {
			return nil
		}
		f.worked = true
		event, err := f.event(s, *frame)
		if err != nil {
			return err
		}
		if !f.yield(event, nil) {
			return errFollowEnded
		}
	}
}

// event returns what a frame says, and remembers its position.
func (f *follow) event(s *stream, frame wire.Frame) (e Event[json.RawMessage], err error) {
	switch frame.Kind {
	case wire.KindBegin:
		s.base = frame.Base
		e.Begin = &Begin{Reason: frame.Message, From: frame.Time}
	case wire.KindCaughtUp:
		e.CaughtUp = true
	default:
		e.Record, e.Time, e.Value = frame.Topic, frame.Time, frame.Data
		if e.Value == nil {
			e.Value = json.RawMessage("null")
		}
		if frame.Seq > s.seq {
			e.Lost = frame.Seq - s.seq - 1
			s.seq = frame.Seq
		}
		if frame.Loss != nil {
			err = f.client.decode("follow "+f.pattern, frame.Loss, &e.Loss)
		}
	}
	f.position = s.base + frame.At
	f.start, e.position = After(f.position), f.position
	return e, err
}
