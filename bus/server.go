package bus

import (
	"context"

	"github.com/nats-io/nats.go"
)

// Server is a NATS server with JetStream that stores a log. Package natsd has the
// embedded one.
type Server interface {
	// Connect opens a connection and names it after its purpose. The connection
	// reconnects without limit, and other clients cannot read its inboxes.
	Connect(ctx context.Context, purpose string, opts ...nats.Option) (*nats.Conn, error)
	// Done is closed when the server has stopped for good.
	Done() <-chan struct{}
	// SyncMetadata syncs the metadata of the streams to disk.
	SyncMetadata() error
	// Reopen reopens a store that has stopped although its disk has room. It reports
	// whether it tried. Connections reconnect by themselves.
	Reopen() bool
	// Writable returns why the disk of the store takes no data. It returns nil if it does,
	// and for a server whose disk is not known.
	Writable() error
	// Listens reports whether clients from outside the process can connect.
	Listens() bool
	// SubscriptionChanges counts subscriptions and unsubscriptions. Subscribed reports
	// whether a subject has a subscriber.
	SubscriptionChanges() uint64
	Subscribed(subject string) bool
	// Clients returns the number of connections, and the number of clients that were
	// disconnected because they did not read.
	Clients() (connected int, slow int64)
}
