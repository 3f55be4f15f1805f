package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/bus"
)

// sitesKey is a key of the stream's metadata. It has the sites as JSON, so that the hub
// can be verified by somebody who is not told them.
const sitesKey = "aimdb.sites"

func (h *Hub) streamConfig() (jetstream.StreamConfig, error) {
	c := h.config
	storage := jetstream.FileStorage
	if c.Memory {
		storage = jetstream.MemoryStorage
	}
	sites, err := json.Marshal(c.Sites)
	if err != nil {
		return jetstream.StreamConfig{}, err
	}
	s := jetstream.StreamConfig{
		Name:        h.stream,
		Description: "The logs of the sites of the AimDB hub " + c.Name,
		Metadata:    map[string]string{bus.HubKey: c.Name, sitesKey: string(sites)},
		Storage:     storage, Replicas: c.Replicas,
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		MaxAge: c.MaxAge, MaxBytes: c.MaxBytes, MaxMsgs: -1, MaxMsgSize: -1,
		AllowDirect: true, DenyDelete: true,
	}
	for _, site := range c.Sites {
		s.Sources = append(s.Sources, site.source())
	}
	return s, nil
}

// source is the log of a site as far as the site lets it be read. It has no start
// sequence: the server goes on after the last message that the stream has from it, and
// with a start sequence would skip the begin of a log that is created again.
func (s Site) source() *jetstream.StreamSource {
	return &jetstream.StreamSource{
		Name: bus.StreamName(s.Name), FilterSubject: bus.LogSubject(s.Name),
		External: &jetstream.ExternalStream{APIPrefix: "$JS." + s.Domain + ".API", DeliverPrefix: bus.DeliverPrefix(s.Name)},
	}
}

// openStream creates the stream or sets its sources and limits.
func (h *Hub) openStream(ctx context.Context) error {
	want, err := h.streamConfig()
	if err != nil {
		return err
	}
	found, err := h.js.Stream(ctx, h.stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		want.Metadata[bus.HubIdentityKey] = bus.NewIdentity(h.config.Name)
		if _, err = h.js.CreateStream(ctx, want); err != nil {
			return fmt.Errorf("hub: create the stream %s: %w", h.stream, err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("hub: look for the stream %s: %w", h.stream, err)
	}
	have := found.CachedInfo().Config
	if have.Metadata[bus.HubKey] != h.config.Name {
		return fmt.Errorf("hub: the server has a stream %s that is not of this hub: choose another name for the hub, or delete the stream", h.stream)
	}
	want.Metadata[bus.HubIdentityKey] = have.Metadata[bus.HubIdentityKey]
	want.Replicas = max(have.Replicas, want.Replicas)
	return h.update(ctx, want)
}

func (h *Hub) update(ctx context.Context, want jetstream.StreamConfig) error {
	if _, err := h.js.UpdateStream(ctx, want); err != nil {
		return fmt.Errorf("hub: set the sources of the stream %s: %w", h.stream, err)
	}
	return nil
}

// findStream finds the stream, and its sites if none are given.
func (h *Hub) findStream(ctx context.Context) error {
	found, err := h.js.Stream(ctx, h.stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("hub: the server has no stream %s: start the hub first, or give its name: %w", h.stream, err)
	}
	if err != nil {
		return fmt.Errorf("hub: look for the stream %s: %w", h.stream, err)
	}
	if len(h.config.Sites) > 0 {
		return nil
	}
	text := found.CachedInfo().Config.Metadata[sitesKey]
	if err := json.Unmarshal([]byte(text), &h.config.Sites); err != nil {
		return fmt.Errorf("hub: the stream %s does not say which sites it has; name them: %w", h.stream, err)
	}
	return nil
}

// mend removes the source of a site and adds it again. The server then reads on after
// the last message that it has.
func (h *Hub) mend(ctx context.Context, site Site) error {
	found, err := h.js.Stream(ctx, h.stream)
	if err != nil {
		return fmt.Errorf("hub: look for the stream %s: %w", h.stream, err)
	}
	without := found.CachedInfo().Config
	name := bus.StreamName(site.Name)
	without.Sources = slices.DeleteFunc(slices.Clone(without.Sources), func(s *jetstream.StreamSource) bool { return s.Name == name })
	if err := h.update(ctx, without); err != nil {
		return err
	}
	with := without
	with.Subjects = nil // the server gives a stream without sources its name as subject
	with.Sources = append(slices.Clone(without.Sources), site.source())
	return h.update(ctx, with)
}
