package sinktest

import (
	"context"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/pump"
)

// Log is a log in memory that a pump can read, for tests of sinks. Like the real
// one it delivers in order, from a position on.
type Log struct {
	// Identity is the identity of the log.
	Identity string

	mu       sync.Mutex
	messages []bus.Message
	grown    chan struct{}
	failures []error
	opened   int
}

// NewLog makes an empty log.
func NewLog(identity string) *Log {
	return &Log{Identity: identity, grown: make(chan struct{})}
}

// Add appends messages to the log and numbers them.
func (l *Log) Add(messages ...bus.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range messages {
		m.Sequence = uint64(len(l.messages) + 1)
		l.messages = append(l.messages, m)
	}
	close(l.grown)
	l.grown = make(chan struct{})
}

// Fail makes the next reads fail, one error each.
func (l *Log) Fail(errs ...error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, errs...)
}

// Opened returns the number of calls of Open.
func (l *Log) Opened() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opened
}

// Open implements pump.Source.
func (l *Log) Open(_ context.Context, _ string, from history.Position) (pump.Stream, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened++
	if from.Log != l.Identity {
		from = history.Position{Log: l.Identity}
	}
	return &cursor{log: l, start: from, next: from.Sequence}, nil
}

// cursor is one reading of a Log.
type cursor struct {
	log   *Log
	start history.Position
	next  uint64
}

func (c *cursor) Start() history.Position { return c.start }
func (c *cursor) Ack() error              { return nil }
func (c *cursor) Close()                  {}

// Next implements pump.Stream. Like the real one it waits for a message, then for
// more until a time, or until dst is full.
func (c *cursor) Next(ctx context.Context, dst []bus.Message, maxBytes int, until time.Time) (n int, err error) {
	timer := time.NewTimer(max(0, time.Until(until)))
	defer timer.Stop()
	for size := 0; ; {
		some, grown, err := c.read(dst[n:], maxBytes-size)
		for _, m := range dst[n : n+some] {
			size += len(m.Value)
		}
		n += some
		if n == len(dst) || size >= maxBytes || err != nil {
			return n, err
		}
		over := timer.C
		if n == 0 {
			over = nil
		} else if !time.Now().Before(until) {
			return n, nil
		}
		select {
		case <-grown:
		case <-over:
			return n, nil
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
}

func (c *cursor) read(dst []bus.Message, maxBytes int) (int, <-chan struct{}, error) {
	l := c.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.failures) > 0 {
		err := l.failures[0]
		l.failures = l.failures[1:]
		return 0, nil, err
	}
	n := 0
	for size := 0; n < len(dst) && size < maxBytes && c.next < uint64(len(l.messages)); n++ {
		dst[n] = l.messages[c.next]
		size += len(dst[n].Value)
		c.next++
	}
	return n, l.grown, nil
}
