package bus

import (
	"context"
	"time"

	"github.com/aimdb-go/aimdb/internal/histogram"
)

// Stats is the state of the log.
type Stats struct {
	// FirstSequence and LastSequence are the first and last sequence of the log.
	// Messages and Bytes are its size.
	FirstSequence uint64 `json:"first_sequence"`
	LastSequence  uint64 `json:"last_sequence"`
	Messages      uint64 `json:"messages"`
	Bytes         uint64 `json:"bytes"`
	// FirstTime is when the log got the first of them, zero if there are none.
	FirstTime time.Time `json:"first_time,omitzero"`
	// Published counts messages that this process has logged, Underway those that
	// await an answer, Refused values that were too large.
	Published uint64 `json:"published"`
	Underway  uint64 `json:"underway"`
	Refused   uint64 `json:"refused"`
	// Retries counts attempts to recover after a failure.
	Retries uint64 `json:"retries"`
	// State is "ok", or "retrying: " and the error.
	State string `json:"state"`
	// Clients is the number of connections, including the process's own. SlowClients
	// counts clients that were disconnected because they did not read.
	Clients     int   `json:"clients"`
	SlowClients int64 `json:"slow_clients"`
	// AppendSeconds has how long batches took from the attempt to send them to the answer
	// of the log, in this process. The time of the sync to disk is in it if the log syncs
	// each batch.
	AppendSeconds histogram.Snapshot `json:"-"`
}

// Failing returns since when the log takes no values, and why. The time is zero if it
// takes them.
func (b *Bus) Failing() (since time.Time, why string) {
	b.mu.Lock()
	r := b.republisher
	b.mu.Unlock()
	if r == nil {
		return since, ""
	}
	w := r.writer.Load()
	if w == nil {
		return since, ""
	}
	now := w.outage.State()
	return now.Since, now.Text
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
			now := w.outage.State()
			s.State, s.Retries = now.Text, now.Failures
		}
	}
	s.Clients, s.SlowClients = b.server.Clients()
	s.AppendSeconds = b.appends.Snapshot()
	log, err := b.state(ctx)
	s.FirstSequence, s.LastSequence, s.Messages, s.Bytes = log.FirstSeq, log.LastSeq, log.Msgs, log.Bytes
	if log.Msgs > 0 {
		s.FirstTime = log.FirstTime
	}
	return s, err
}
