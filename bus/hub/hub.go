package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/bus"
)

// apiLevel is the level of the JetStream API from which a server tells a stream of a
// site that was deleted and created again from the one before.
const apiLevel = 5

// ErrOldServer is the error for a server of the hub that is too old.
var ErrOldServer = errors.New("hub: the NATS server of the hub is too old")

// Hub is a stream of a NATS server that sources the logs of sites.
type Hub struct {
	config Config
	log    *slog.Logger
	nc     *nats.Conn
	js     jetstream.JetStream
	stream string

	mu    sync.Mutex
	sites map[string]*siteState
}

// Open connects to the server of a hub and creates the stream, or sets the sources and
// the limits of the one that exists. The caller owns the server and closes it after the
// Hub. Sites that are not in Config any more keep what they have in the stream.
func Open(ctx context.Context, server bus.Server, c Config) (*Hub, error) {
	c = c.withDefaults()
	if len(c.Sites) == 0 {
		return nil, errors.New("hub: no site is given; name at least one database")
	}
	return connect(ctx, server, c, (*Hub).openStream)
}

// OpenExisting opens a hub to verify it. It changes nothing, and takes the sites from
// the stream if Config names none.
func OpenExisting(ctx context.Context, server bus.Server, c Config) (*Hub, error) {
	return connect(ctx, server, c.withDefaults(), (*Hub).findStream)
}

func connect(ctx context.Context, server bus.Server, c Config, open func(*Hub, context.Context) error) (*Hub, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	h := &Hub{config: c, log: c.Logger.With("hub", c.Name), stream: bus.HubStreamName(c.Name), sites: map[string]*siteState{}}
	var err error
	if h.nc, err = server.Connect(ctx, "hub"); err != nil {
		return nil, err
	}
	if h.js, err = jetstream.New(h.nc); err == nil {
		err = h.checkServer(ctx)
	}
	if err == nil {
		err = open(h, ctx)
	}
	if err == nil {
		err = server.SyncMetadata()
	}
	if err != nil {
		h.Close()
		return nil, err
	}
	for _, s := range h.config.Sites {
		h.sites[s.Name] = &siteState{Site: s, since: time.Now(), patience: c.SleepAfter}
	}
	return h, nil
}

func (h *Hub) checkServer(ctx context.Context) error {
	account, err := h.js.AccountInfo(ctx)
	if err != nil {
		return fmt.Errorf("hub: use JetStream of the server: %w", err)
	}
	if account.API.Level < apiLevel {
		return fmt.Errorf("%w: %s at %s has level %d of the JetStream API and needs %d, or it does not notice when the log of a site is created again; update it",
			ErrOldServer, h.nc.ConnectedServerVersion(), h.nc.ConnectedUrlRedacted(), account.API.Level, apiLevel)
	}
	return nil
}

// Name returns the name of the hub.
func (h *Hub) Name() string { return h.config.Name }

// Close closes the connection to the server. The stream stays, and its sources go on.
func (h *Hub) Close() { h.nc.Close() }
