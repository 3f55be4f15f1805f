package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// origin is what is known of the log as it was opened. On a shared server it changes
// while the process runs, if somebody deletes the stream: the log then is another one.
type origin struct {
	identity string
	// endAtOpen is the last sequence of the log at the time of Open, after Restore
	// that of the log as it was restored.
	endAtOpen uint64
	// mark is what the log held according to its mark when it was opened, or what the
	// log before it held that was deleted. damagedTo is the end of what has vanished
	// from its start.
	mark      Mark
	damagedTo uint64
}

// current returns the origin of the log that the writer writes to.
func (b *Bus) current() origin {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.origin
}

// look returns the state of the log, and its origin, which is another than the current
// one if somebody has deleted the stream and the writer has not noticed yet.
func (b *Bus) look(ctx context.Context) (origin, jetstream.StreamState, error) {
	s, err := b.js.Stream(ctx, b.stream)
	if err != nil {
		return origin{}, jetstream.StreamState{}, fmt.Errorf("bus: read the state of the log: %w", err)
	}
	info, at := s.CachedInfo(), b.current()
	if b.config.Shared {
		if err := checkOwner(info.Config, b.config); err != nil {
			return origin{}, jetstream.StreamState{}, err
		}
		if identity := info.Config.Metadata[identityKey]; identity != at.identity {
			at = b.after(at, identity)
		}
	}
	return at, info.State, nil
}

// after returns the origin of a log that is there in place of another one.
func (b *Bus) after(before origin, identity string) origin {
	last := before.endAtOpen
	b.mu.Lock()
	if b.republisher != nil {
		last = b.republisher.last.Load()
	}
	b.mu.Unlock()
	return origin{identity: identity, mark: Mark{Log: before.identity, Sequence: last, Time: time.Now().UnixMilli()}}
}
