package gateway

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// joinedBytes is how many bytes of frames wait for one write at most.
const joinedBytes = 16 << 10

// burst holds frames back while requests that have already arrived are answered, so that
// the replies go out in one write: with a write for each, a server of a client with many
// requests in flight does little else. Frames keep their order. session.sending guards it.
type burst struct {
	holds bool
	held  []byte // joined
}

// beginBurst is called after each Receive. It reports whether the next one returns without
// waiting for the client; otherwise endBurst has to come before it.
func (s *session) beginBurst() (more bool) {
	more = s.joiner != nil && s.joiner.Ready()
	if more && !s.burst.holds { // only this goroutine changes it
		s.sending.Lock()
		s.burst.holds = true
		s.sending.Unlock()
	}
	return more
}

// endBurst writes what is held, and holds no more until the next beginBurst.
func (s *session) endBurst() {
	if !s.burst.holds {
		return
	}
	s.sending.Lock()
	defer s.sending.Unlock()
	s.burst.holds = false
	s.release() // its error ends the session
}

// transmit sends a frame whose length is checked.
func (s *session) transmit(frame []byte) bool {
	s.sending.Lock()
	defer s.sending.Unlock()
	if s.ctx.Err() != nil {
		return false
	}
	if s.burst.holds && len(frame) < joinedBytes {
		s.burst.held = s.joiner.Join(s.burst.held, frame)
		return len(s.burst.held) < joinedBytes || s.release()
	}
	return s.release() && s.sent(s.conn.Send(frame))
}

// transmitJoined sends frames that joiner has joined.
func (s *session) transmitJoined(frames []byte) bool {
	s.sending.Lock()
	defer s.sending.Unlock()
	return s.ctx.Err() == nil && s.release() && s.sent(s.joiner.SendJoined(frames))
}

// release writes what is held, in one write.
func (s *session) release() bool {
	if len(s.burst.held) == 0 {
		return true
	}
	err := s.joiner.SendJoined(s.burst.held)
	s.burst.held = s.burst.held[:0]
	return s.sent(err)
}

// sent ends the session with the first error.
func (s *session) sent(err error) bool {
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
			s.server.counters.slow.Add(1)
		}
		s.end(fmt.Errorf("send: %w", err))
	}
	return err == nil
}
