package gateway

import "sync/atomic"

// Counts are what a Server did so far, and what it holds.
type Counts struct {
	// Connections are open, those of unix sockets, TCP and WebSockets.
	Connections int
	// Frames counts the frames of clients that were admitted, such as requests,
	// subscriptions and writes.
	Frames uint64
	// Slow counts the connections that were closed because the client took no byte for
	// Limits.WriteTimeout, TurnedAway those above Limits.Connections.
	Slow, TurnedAway uint64
}

type counters struct{ frames, slow, turnedAway atomic.Uint64 }

// Counts returns what the server did so far.
func (s *Server) Counts() Counts {
	c := &s.counters
	return Counts{Connections: s.Connections(), Frames: c.frames.Load(), Slow: c.slow.Load(), TurnedAway: c.turnedAway.Load()}
}
