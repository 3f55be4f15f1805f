package pump

import (
	"context"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
)

// Source opens the log for a sink.
type Source interface {
	// Open reads the messages after a position.
	Open(ctx context.Context, sink string, from history.Position) (Stream, error)
}

// Stream delivers the log to one sink.
type Stream interface {
	// Start returns the position after which reading started.
	Start() history.Position
	// Next waits for a message and then, until a time that may be in the past, for
	// more. It may return messages together with an error.
	Next(ctx context.Context, dst []bus.Message, maxBytes int, until time.Time) (int, error)
	// Ack acknowledges all messages that Next has returned.
	Ack() error
	// Close stops reading.
	Close()
}

// FromBus returns the log of a bus as a Source.
func FromBus(b *bus.Bus) Source { return busSource{b} }

type busSource struct{ bus *bus.Bus }

func (s busSource) Open(ctx context.Context, sink string, from history.Position) (Stream, error) {
	return s.bus.Consumer(ctx, sink, from)
}
