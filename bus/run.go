package bus

import (
	"context"
	"errors"
)

// Run returns nil when ctx ends, and an error if the server stops before.
func (b *Bus) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-b.closed:
		return errors.New("bus: the log was closed while it was running")
	case <-b.server.Done():
		return errors.New("bus: the NATS server of the log has stopped")
	}
}
