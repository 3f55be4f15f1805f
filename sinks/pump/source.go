package pump

import (
	"context"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
)

// Source opens the log for a sink.
type Source interface {
	// Open reads what follows a position.
	Open(ctx context.Context, sink string, from history.Position) (Stream, error)
}

// Stream is the log as one sink reads it.
type Stream interface {
	// Start is the position after which reading began.
	Start() history.Position
	// Next waits for a message, then for more until a time, which may have
	// passed already. It may return messages together with an error.
	Next(ctx context.Context, dst []bus.Message, maxBytes int, until time.Time) (int, error)
	// Ack acknowledges all messages that were read.
	Ack() error
	Close()
}

// FromBus makes the log of a bus a Source.
func FromBus(b *bus.Bus) Source { return busSource{b} }

type busSource struct{ bus *bus.Bus }

func (s busSource) Open(ctx context.Context, sink string, from history.Position) (Stream, error) {
	return s.bus.Consumer(ctx, sink, from)
}
