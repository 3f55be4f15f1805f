package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/history"
)

// certainty is the answer to whether a log holds a message.
type certainty int

const (
	unknown certainty = iota
	yes
	no
)

// holds reports whether the message of a position is in the log with an identity. It is unknown
// without a fingerprint, and where the log has no message with the sequence.
func (b *Bus) holds(ctx context.Context, p history.Position, identity string, state jetstream.StreamState) (certainty, error) {
	if p.Message == (history.Fingerprint{}) || p.Sequence < state.FirstSeq || p.Sequence > state.LastSeq {
		return unknown, nil
	}
	m, err := b.get(ctx, p.Sequence)
	if err != nil || m == nil {
		return unknown, err
	}
	switch {
	case fingerprint(m.Subject, m.Data, m.Time.UnixNano()) == p.Message:
		return yes, nil
	case p.Log == identity && b.fillsLost(m):
		return unknown, nil // the message is lost, and its sequence was not used again
	}
	return no, nil
}

// fillsLost reports whether a message is there in place of a lost one.
func (b *Bus) fillsLost(m *jetstream.RawStreamMsg) bool {
	found, is := b.parseMarker(m.Subject, m.Data)
	return is && found.Known >= m.Sequence || strings.HasSuffix(m.Subject, "."+tombstoneToken)
}

// get returns a message of the log, nil if it cannot be read.
func (b *Bus) get(ctx context.Context, sequence uint64) (*jetstream.RawStreamMsg, error) {
	stream, err := b.js.Stream(ctx, b.stream)
	if err != nil {
		return nil, fmt.Errorf("bus: read message %d of the log: %w", sequence, err)
	}
	m, err := stream.GetMsg(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("bus: read message %d of the log: %w", sequence, err)
	}
	return m, nil
}

// firstAfter returns the first sequence of the log that was stored after a time,
// in Unix nanoseconds, or the one after a limit. Messages are in the order of
// their storing.
func (b *Bus) firstAfter(ctx context.Context, stored int64, state jetstream.StreamState, limit uint64) (uint64, error) {
	low, high := state.FirstSeq, min(limit, state.LastSeq)+1
	for low < high {
		middle := low + (high-low)/2
		m, err := b.get(ctx, middle)
		if err != nil {
			return 0, err
		}
		if m == nil || m.Time.UnixNano() <= stored {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}
