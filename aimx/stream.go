package aimx

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

const (
	// streamFrames and streamBytes bound the queue of a stream.
	streamFrames = 4096
	streamBytes  = 8 << 20
)

// stream is one subscription of a follow over one connection. If its queue is full, the
// rest is dropped and the subscription ended; the follow makes another one after the last
// event of the queue.
type stream struct {
	client  *Client
	id      uint64
	name    string
	pattern string
	// base is the first part of the positions, seq the greatest number so far. They belong
	// to the follow.
	base string
	seq  uint64

	mu    sync.Mutex
	queue []wire.Frame
	bytes int
	// follows is true when the server has accepted the subscription.
	follows bool
	full    bool
	err     error // a refusal

	ready chan struct{} // holds a token after a change
}

// openStream subscribes, and returns a refusal that the server gives at once.
func (c *Client) openStream(ctx context.Context, pattern string, start Start) (*stream, error) {
	s := &stream{client: c, pattern: pattern, ready: make(chan struct{}, 1)}
	c.mu.Lock()
	s.id = c.nextID
	c.nextID++
	s.name = subscriptionName(s.id)
	c.subscribers[s.name] = s
	c.mu.Unlock()
	err := c.send(ctx, func(f *wire.FrameWriter) []byte { return f.Follow(s.id, pattern, start.from) })
	if err == nil {
		err = c.Ping(ctx) // frames are handled in order
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("follow %s: %w", pattern, err)
	}
	s.mu.Lock()
	follows, err := s.follows, s.err // an accepted one may be refused later, after some events
	s.mu.Unlock()
	if follows {
		return s, nil
	}
	s.close()
	if err == nil {
		err = &Refusal{Code: CodeNotFound, Operation: "follow " + pattern, Endpoint: c.endpoint.String(),
			Reason: "the server does not know subscriptions that start at a time or a position; use Watch"}
	}
	return nil, err
}

// deliver implements subscriber.
func (s *stream) deliver(f wire.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Kind == wire.KindSubscribed {
		s.follows = s.follows || f.Follows
		return
	}
	if s.full {
		return
	}
	if len(s.queue) >= streamFrames || s.bytes >= streamBytes {
		s.full = true
		s.client.work.Go(s.close) // sending may take long
		return
	}
	// The connection reuses the line.
	f.Data, f.Loss = append(json.RawMessage(nil), f.Data...), append(json.RawMessage(nil), f.Loss...)
	s.bytes += len(f.Data)
	s.queue = append(s.queue, f)
	s.signal()
}

// refuse implements subscriber.
func (s *stream) refuse(f wire.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = s.client.refusalOf(f, "follow "+s.pattern)
	s.signal()
}

func (s *stream) signal() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// next waits for the next frame. It returns nil at the end of a queue that was full.
func (s *stream) next(ctx context.Context) (*wire.Frame, error) {
	for {
		f, done, err := s.take()
		if done || err != nil {
			return f, err
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-s.client.done:
			if f, done, err := s.take(); done || err != nil {
				return f, err
			}
			return nil, fmt.Errorf("follow %s: %w", s.pattern, s.client.Err())
		}
	}
}

func (s *stream) take() (f *wire.Frame, done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return nil, s.full, s.err
	}
	f = &s.queue[0]
	s.queue = s.queue[1:]
	s.bytes -= len(f.Data)
	return f, true, nil
}

// close ends the subscription. It tells the server, and does not wait for it.
func (s *stream) close() { s.client.unsubscribe(s.name) }
