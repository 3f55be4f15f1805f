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
	case p.Log == identity && fingerprint(m.Subject, m.Data, p.Message.Time) == p.Message:
		return b.sentAgain(ctx, m, p, state)
	}
	return no, nil
}

// sentAgain reports whether a message has the sequence of a position because the writer
// has sent it again: the log had lost it before the writer knew that it was logged. The
// run of the writer then began before the first message that the log has got since.
func (b *Bus) sentAgain(ctx context.Context, m *jetstream.RawStreamMsg, p history.Position, state jetstream.StreamState) (certainty, error) {
	run, number := runAndNumber(m.Header)
	newer, err := b.firstAfter(ctx, p.Message.Time, state, p.Sequence)
	if err == nil && number > 0 && run < newer {
		return yes, nil
	}
	return no, err
}

// reusedFrom returns the first message that a log, which has used the sequences of a
// position again, holds after the message of that position. What stands for lost messages
// up to the position is passed over: whoever has the position had read them.
func (b *Bus) reusedFrom(ctx context.Context, p history.Position, state jetstream.StreamState) (uint64, error) {
	from, err := b.firstAfter(ctx, p.Message.Time, state, p.Sequence)
	if err != nil {
		return 0, err
	}
	for m, err := range b.Read(ctx, from, p.Sequence) {
		if err != nil {
			return 0, err
		}
		if !m.Marker && !m.tombstone() {
			break
		}
		from = m.Sequence + 1
	}
	return from, nil
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
