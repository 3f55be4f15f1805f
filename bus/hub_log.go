package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// The keys of the metadata of a hub's stream.
const (
	HubKey         = "aimdb.hub"
	HubIdentityKey = identityKey
)

// HubStreamName returns the name of the stream of a hub.
func HubStreamName(hub string) string { return "AIMDB_HUB_" + hub }

// IdentityOf returns the identity of the log that a stream with this configuration is.
func IdentityOf(c jetstream.StreamConfig) string { return c.Metadata[identityKey] }

// OpenHub opens the stream of a hub, so that a sink can read all of its sites with
// [Bus.Consumer]; Config.Name is that of the hub. It changes nothing.
//
// The record "room::a" of the site north is called "north.room::a". Messages have no
// Run and Number: those of the site count what is missing there, and package hub's
// Verify compares them. Lost is what the site has announced.
func OpenHub(ctx context.Context, server Server, config Config) (*Bus, error) {
	b, err := newBus(server, config)
	if err != nil {
		return nil, err
	}
	b.stream, b.ofSites = HubStreamName(config.Name), true
	err = b.openExisting(ctx)
	if err == nil && b.absent {
		err = fmt.Errorf("bus: the server has no stream %s; start the hub first, or give its name", b.stream)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// ofSite names the record of a message after its site.
func (m *Message) ofSite() {
	m.Run, m.Number = 0, 0
	if tokens := strings.SplitN(m.subject, ".", 4); len(tokens) == 4 {
		record := m.Record
		if record == "" {
			record = tokens[3]
		}
		m.Record = tokens[1] + "." + record
	}
}
