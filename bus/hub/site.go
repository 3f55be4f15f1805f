package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/bus"
)

const (
	// siteTimeout bounds the wait for the answer of a site.
	siteTimeout = 3 * time.Second
	// countIdle is how long a site keeps a consumer that has counted.
	countIdle = 5 * time.Second
)

// siteLog is the log of a site as the site describes it.
type siteLog struct {
	// identity is that of the log for AimDB, stream that of the stream for its server.
	identity, stream string
	first, last      uint64
}

// errAway says that a site does not answer: it is cut off, or stopped.
var errAway = errors.New("the site does not answer")

// ask asks a site for the state of its log.
func (h *Hub) ask(ctx context.Context, s Site) (siteLog, error) {
	ctx, cancel := context.WithTimeout(ctx, siteTimeout)
	defer cancel()
	js, err := jetstream.NewWithDomain(h.nc, s.Domain)
	if err != nil {
		return siteLog{}, fmt.Errorf("hub: address the site %s: %w", s.Name, err)
	}
	stream, err := js.Stream(ctx, bus.StreamName(s.Name))
	if err != nil {
		return siteLog{}, siteError("describe its log", s, err)
	}
	info := stream.CachedInfo()
	return siteLog{
		identity: bus.IdentityOf(info.Config), stream: streamIdentity(info.Created),
		first: info.State.FirstSeq, last: info.State.LastSeq,
	}, nil
}

// count asks a site how many messages it has from a sequence on that the hub may read.
// The site tells a new consumer how many it would get.
func (h *Hub) count(ctx context.Context, s Site, from uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, siteTimeout)
	defer cancel()
	js, err := jetstream.NewWithDomain(h.nc, s.Domain)
	if err != nil {
		return 0, fmt.Errorf("hub: address the site %s: %w", s.Name, err)
	}
	consumer, err := js.CreateConsumer(ctx, bus.StreamName(s.Name), jetstream.ConsumerConfig{
		Name: "hub_count_" + rand.Text()[:12], FilterSubject: bus.LogSubject(s.Name),
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(1, from),
		AckPolicy: jetstream.AckNonePolicy, InactiveThreshold: countIdle, MemoryStorage: true,
	})
	if err != nil {
		return 0, siteError("count its messages", s, err)
	}
	return consumer.CachedInfo().NumPending, nil
}

func siteError(what string, s Site, err error) error {
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("%w (%w)", errAway, err)
	}
	return fmt.Errorf("hub: ask the site %s to %s: %w", s.Name, what, err)
}

// newest returns the origin of the last message that the stream has of a site. It is
// zero if there is none.
func (h *Hub) newest(ctx context.Context, s Site) (origin, error) {
	stream, err := h.js.Stream(ctx, h.stream)
	if err != nil {
		return origin{}, fmt.Errorf("hub: look for the stream %s: %w", h.stream, err)
	}
	m, err := stream.GetLastMsgForSubject(ctx, bus.LogSubject(s.Name))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return origin{}, nil
	}
	if err != nil {
		return origin{}, fmt.Errorf("hub: read the last message of the site %s: %w", s.Name, err)
	}
	from, ok := originOf(m.Header)
	if !ok {
		return origin{}, fmt.Errorf("hub: message %d of the stream %s has no header %s: it is not of a source", m.Sequence, h.stream, sourceHeader)
	}
	return from, nil
}
