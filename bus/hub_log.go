package bus

import "github.com/nats-io/nats.go/jetstream"

// The keys of the metadata of a hub's stream.
const (
	HubKey         = "aimdb.hub"
	HubIdentityKey = identityKey
)

// HubStreamName returns the name of the stream of a hub.
func HubStreamName(hub string) string { return "AIMDB_HUB_" + hub }

// IdentityOf returns the identity of the log that a stream with this configuration is.
func IdentityOf(c jetstream.StreamConfig) string { return c.Metadata[identityKey] }
