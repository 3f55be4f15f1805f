package bus

import (
	"context"

	"github.com/nats-io/nats.go"
)

// Server is the NATS server with JetStream that keeps a log. Package natsd has
// the embedded one.
type Server interface {
	// Connect opens a connection for one purpose, which names the connection.
	// It reconnects for ever, and its inboxes cannot be read by others.
	Connect(ctx context.Context, purpose string, opts ...nats.Option) (*nats.Conn, error)
	// Done is closed when the server has stopped for good.
	Done() <-chan struct{}
	// SyncMetadata syncs the descriptions of the streams to disk.
	SyncMetadata() error
	// Reopen opens a store again that has stopped although it could go on. It
	// reports whether it tried; connections reconnect by themselves.
	Reopen() bool
	// SubscriptionChanges counts subscriptions and unsubscriptions, and
	// Subscribed reports whether anybody subscribes to a subject.
	SubscriptionChanges() uint64
	Subscribed(subject string) bool
	// Clients returns the number of connections, and of those that were
	// disconnected because they did not read.
	Clients() (connected int, slow int64)
}
