package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// AwaitTakeover returns [ErrTakenOver] when another process has opened the log on a
// shared server, and nil when ctx ends. The writer notices that too, but only with its
// next value. It needs the permission to subscribe to the subject of the markers; without
// it, it returns with ctx.
func (b *Bus) AwaitTakeover(ctx context.Context) error {
	if !b.config.Shared {
		<-ctx.Done()
		return nil
	}
	markers := make(chan *nats.Msg, 16)
	sub, err := b.nc.ChanSubscribe(b.markerSubject(), markers)
	if err != nil {
		return fmt.Errorf("bus: watch for another writer of the log: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // at worst it ends with the connection
	connected := b.nc.StatusChanged(nats.CONNECTED)
	defer b.nc.RemoveStatusListener(connected)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.closed:
			return nil
		case <-markers:
		case <-connected:
		}
		if taken, err := b.lastMarker(ctx); err != nil {
			b.log.Warn("bus: it cannot be told whether another process writes to the log; the next value tells", "error", err)
		} else if taken {
			return ErrTakenOver
		}
	}
}

// lastMarker reports whether the last marker of the log is that of a writer that was
// opened after this one.
func (b *Bus) lastMarker(ctx context.Context) (taken bool, err error) {
	if b.since.Load() == 0 {
		return false, nil // this one has not begun
	}
	ctx, cancel := context.WithTimeout(ctx, b.answerTimeout)
	defer cancel()
	stream, err := b.js.Stream(ctx, b.stream)
	if err != nil {
		return false, err
	}
	m, err := stream.GetLastMsgForSubject(ctx, b.markerSubject())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return err == nil && b.takenOver(m), err
}
