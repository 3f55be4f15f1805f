package bus

import (
	"context"
	"errors"
)

// Run returns nil when ctx ends, and an error when the server stops before.
func (b *Bus) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-b.closed:
		return errors.New("bus: the log was closed while it was running")
	case <-b.server.Done():
		return errors.New("bus: the NATS server of the log has stopped")
	}
}

// Stats is how the log goes.
type Stats struct {
	// FirstSequence and LastSequence are the ends of the log; it holds
	// Messages with Bytes.
	FirstSequence, LastSequence uint64
	Messages, Bytes             uint64
	// Published is how many messages this process has brought into the log,
	// Underway how many are on their way, Refused how many were too large.
	Published, Underway, Refused uint64
	// Retries is how often something had to be sent again.
	Retries uint64
	// State is "ok", or "retrying: " and why.
	State string
	// Clients is how many connections from outside and of our own there are,
	// SlowClients how many were cut off because they did not read.
	Clients     int
	SlowClients int64
}

// Stats tells how the log goes.
func (b *Bus) Stats(ctx context.Context) (Stats, error) {
	s := Stats{State: "ok"}
	b.mu.Lock()
	r := b.republisher
	b.mu.Unlock()
	if r != nil {
		s.Published, s.Refused = r.published.Load(), r.refused.Load()
		s.Underway = uint64(max(0, r.underway.Load()))
		if w := r.writer.Load(); w != nil {
			s.State, s.Retries = w.trouble.state.get()
		}
	}
	s.Clients, s.SlowClients = b.server.Clients()
	log, err := b.state(ctx)
	s.FirstSequence, s.LastSequence, s.Messages, s.Bytes = log.FirstSeq, log.LastSeq, log.Msgs, log.Bytes
	return s, err
}
