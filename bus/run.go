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

// Stats is the state of the log.
type Stats struct {
	// FirstSequence and LastSequence are the ends of the log; it holds Messages
	// with Bytes.
	FirstSequence uint64 `json:"first_sequence"`
	LastSequence  uint64 `json:"last_sequence"`
	Messages      uint64 `json:"messages"`
	Bytes         uint64 `json:"bytes"`
	// Published is how many messages this process has logged, Underway how many
	// are in flight, Refused how many were too large.
	Published uint64 `json:"published"`
	Underway  uint64 `json:"underway"`
	Refused   uint64 `json:"refused"`
	// Retries is how often something was sent again.
	Retries uint64 `json:"retries"`
	// State is "ok", or "retrying: " and why.
	State string `json:"state"`
	// Clients is the number of connections, of the process's own too.
	// SlowClients counts those that were disconnected because they did not read.
	Clients     int   `json:"clients"`
	SlowClients int64 `json:"slow_clients"`
}

// Stats returns the state of the log.
func (b *Bus) Stats(ctx context.Context) (Stats, error) {
	s := Stats{State: "ok"}
	b.mu.Lock()
	r := b.republisher
	b.mu.Unlock()
	if r != nil {
		s.Published, s.Refused = r.published.Load(), r.refused.Load()
		s.Underway = uint64(max(0, r.underway.Load()))
		if w := r.writer.Load(); w != nil {
			s.State, s.Retries = w.outage.status.get()
		}
	}
	s.Clients, s.SlowClients = b.server.Clients()
	log, err := b.state(ctx)
	s.FirstSequence, s.LastSequence, s.Messages, s.Bytes = log.FirstSeq, log.LastSeq, log.Msgs, log.Bytes
	return s, err
}
