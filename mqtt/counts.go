package mqtt

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/aimdb-go/aimdb/ingest"
)

// Counts are what a Server did so far, and what it holds.
type Counts struct {
	// Clients are connected, Sessions are kept, with those of connected clients.
	Clients  int `json:"clients"`
	Sessions int `json:"sessions"`
	// Published counts the messages whose value was taken, Acknowledged those of QoS 1 and 2
	// that were acknowledged, Duplicates those of QoS 2 that had been taken before.
	Published    uint64 `json:"published"`
	Acknowledged uint64 `json:"acknowledged"`
	Duplicates   uint64 `json:"duplicates"`
	// Delivered counts the messages sent to subscribers, Missed the values that one did not
	// get because it was too slow, or away for too long, TooLarge those that are larger than
	// the packets its client takes.
	Delivered uint64 `json:"delivered"`
	Missed    uint64 `json:"missed"`
	TooLarge  uint64 `json:"too_large"`
	// Refused counts what ended or prevented a connection by its cause: those of package
	// ingest, and "login", "topic", "will", "protocol", "busy", "slow", "revoked", and "silent"
	// for no packet in one and a half times the keepalive, or no CONNECT in time. It counts
	// filters as "subscription", and sessions that were not kept because there are
	// [Limits].Sessions as "sessions".
	Refused map[string]uint64 `json:"refused,omitempty"`
}

// The causes of refusals that package ingest does not have.
const (
	causeLogin        = "login"
	causeTopic        = "topic"
	causeWill         = "will"
	causeSubscription = "subscription"
	causeProtocol     = "protocol"
	causeBusy         = "busy"
	causeSlow         = "slow"
	causeRevoked      = "revoked"
	causeSilent       = "silent"
	causeSessions     = "sessions"
)

// Causes lists those that Counts.Refused can have.
func Causes() []string {
	all := []string{
		causeLogin, causeTopic, causeWill, causeSubscription, causeProtocol,
		causeBusy, causeSlow, causeRevoked, causeSilent, causeSessions,
	}
	for cause := ingest.Denied; cause <= ingest.Dropped; cause++ {
		all = append(all, cause.String())
	}
	return all
}

type counters struct {
	published, acknowledged, duplicates, delivered, missed, tooLarge atomic.Uint64

	mu      sync.Mutex
	refused map[string]uint64
}

// refuse counts a refusal and reports whether it is the first of its cause.
func (c *counters) refuse(cause string) (first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused == nil {
		c.refused = make(map[string]uint64)
	}
	c.refused[cause]++
	return c.refused[cause] == 1
}

// Counts returns what the server did so far.
func (s *Server) Counts() Counts {
	c := &s.counters
	c.mu.Lock()
	refused := maps.Clone(c.refused)
	c.mu.Unlock()
	clients, sessions := s.sessions.count()
	return Counts{
		Clients: clients, Sessions: sessions,
		Published: c.published.Load(), Acknowledged: c.acknowledged.Load(), Duplicates: c.duplicates.Load(),
		Delivered: c.delivered.Load(), Missed: c.missed.Load(), TooLarge: c.tooLarge.Load(),
		Refused: refused,
	}
}
