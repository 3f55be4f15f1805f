package aimdb

import (
	"context"
	"slices"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/pump"
)

// startSource is the log for the pump into the backend. Until release is closed it
// ends at last, the end of the log before this run. So the history from which a
// start refills the records has no value of this run, which the records already
// have.
type startSource struct {
	pump.Source
	last    uint64
	release <-chan struct{}
}

// Open opens the log after a position.
func (s startSource) Open(ctx context.Context, sink string, from history.Position) (pump.Stream, error) {
	stream, err := s.Source.Open(ctx, sink, from)
	if err != nil {
		return nil, err
	}
	return &startStream{Stream: stream, source: s}, nil
}

type startStream struct {
	pump.Stream
	source startSource
	// held are messages of this run that were read before the release, err is the
	// error that came with them.
	held []bus.Message
	err  error
}

// Next returns messages as the stream of the log does, but before the release only
// those of earlier runs.
func (s *startStream) Next(ctx context.Context, dst []bus.Message, maxBytes int, until time.Time) (int, error) {
	if len(s.held) == 0 {
		n, err := s.Stream.Next(ctx, dst, maxBytes, until)
		if s.released() {
			return n, err
		}
		i := slices.IndexFunc(dst[:n], func(m bus.Message) bool { return m.Sequence > s.source.last })
		if i < 0 {
			return n, err
		}
		s.held, s.err = slices.Clone(dst[i:n]), err
		if i > 0 {
			return i, nil
		}
	}
	select {
	case <-s.source.release:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	n := copy(dst, s.held)
	s.held = slices.Delete(s.held, 0, n)
	return n, s.err
}

// Ack acknowledges what was read, unless the pump does not have all of it yet.
func (s *startStream) Ack() error {
	if len(s.held) > 0 {
		return nil
	}
	return s.Stream.Ack()
}

func (s *startStream) released() bool {
	select {
	case <-s.source.release:
		return true
	default:
		return false
	}
}
