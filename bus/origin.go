package bus

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/loss"
)

// origin is what is known of the log as it was opened. On a shared server it changes
// while the process runs, if somebody deletes the stream: the log then is another one.
type origin struct {
	identity string
	// endAtOpen is the last sequence of the log at the time of Open, after Restore
	// that of the log as it was restored.
	endAtOpen uint64
	// mark is what the log held according to its mark when it was opened. damagedTo is
	// the end of what has vanished from its start.
	mark      Mark
	damagedTo uint64
	// earlier has the last sequences of the logs that were deleted while this process
	// ran, the oldest first.
	earlier []Mark
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

// after returns the origin of a log that is there in place of another one. Only the
// writer knows where the other one has ended.
func (b *Bus) after(before origin, identity string) origin {
	b.mu.Lock()
	r := b.republisher
	b.mu.Unlock()
	if r == nil {
		return origin{identity: identity}
	}
	return origin{identity: identity, earlier: append(before.gone(), Mark{Log: before.identity, Sequence: r.last.Load(), Time: time.Now().UnixMilli()})}
}

// missingBefore returns what missingAfter does, in a process that may not write the log.
func (b *Bus) missingBefore(ctx context.Context, o origin, log string, sequence uint64) (all []loss.Loss, last bool, err error) {
	if b.config.Shared && len(o.gone()) == 0 {
		earlier, known, err := b.earlierLog(ctx)
		if err != nil {
			return nil, false, err
		}
		if known {
			o.earlier = []Mark{earlier}
		}
	}
	all, last = o.missingAfter(log, sequence)
	return all, last, nil
}

// gone returns what is known of the logs before this one.
func (o origin) gone() []Mark {
	if len(o.earlier) == 0 && o.mark.Log != "" && o.mark.Log != o.identity {
		return []Mark{o.mark}
	}
	return slices.Clone(o.earlier)
}

// missingAfter returns the losses after a position in a log before this one: the rest of
// that log, and all of those after it. Their number is unknown if nothing is known of it.
// The position is in the last log before this one if last is true.
func (o origin) missingAfter(log string, sequence uint64) (all []loss.Loss, last bool) {
	marks := o.gone()
	i := slices.IndexFunc(marks, func(m Mark) bool { return m.Log == log })
	if i < 0 {
		return []loss.Loss{{Cause: loss.LogMissing, From: sequence + 1, LastTime: time.Now().UnixMilli()}}, false
	}
	for _, m := range marks[i:] {
		if m.Sequence > sequence {
			all = append(all, loss.Loss{Cause: loss.LogMissing, Count: m.Sequence - sequence, From: sequence + 1, To: m.Sequence, LastTime: m.Time})
		}
		sequence = 0
	}
	return all, i == len(marks)-1
}
