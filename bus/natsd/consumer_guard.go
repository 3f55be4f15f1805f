package natsd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The limits of consumers from outside: their number on a stream, and how long
// one that nobody reads stays.
const (
	MaxConsumers    = 1000
	MaxConsumerIdle = time.Hour
)

const defaultIdle = 5 * time.Minute

const createAPI = "$JS.API.CONSUMER.CREATE."

// checkCreate admits a request for a consumer. A push consumer would be dangerous: it
// can deliver to any subject, among them the API that purges the stream.
func (g *guard) checkCreate(m *nats.Msg) (api string, body []byte, err error) {
	if body, err = g.sanitize(m.Data); err == nil {
		err = g.admitOneMore()
	}
	return createAPI + g.stream, body, err
}

// sanitize returns the request with unsafe fields refused or replaced.
func (g *guard) sanitize(data []byte) ([]byte, error) {
	var request server.CreateConsumerRequest
	if err := json.Unmarshal(data, &request); err != nil {
		return nil, fmt.Errorf("the request is not one for a consumer: %w", err)
	}
	c := &request.Config
	switch {
	case c.DeliverSubject != "":
		return nil, errors.New("consumers from outside are pull consumers: leave out deliver_subject")
	case c.Durable != "":
		return nil, errors.New("consumers from outside are ephemeral: leave out the durable name")
	}
	if err := g.limitToOpen(c); err != nil {
		return nil, err
	}
	if c.InactiveThreshold <= 0 || c.InactiveThreshold > MaxConsumerIdle {
		c.InactiveThreshold = defaultIdle
	}
	c.MemoryStorage = true
	c.Direct, c.Sourcing = false, false // the server does not count such consumers
	return json.Marshal(server.CreateConsumerRequest{Stream: g.stream, Config: *c})
}

// limitToOpen refuses filters that match more than clients may read. A consumer
// whose filters match a closed subject starts after the closed messages.
func (g *guard) limitToOpen(c *server.ConsumerConfig) error {
	closed, err := g.opened()
	if err != nil {
		return err
	}
	filters := c.FilterSubjects
	if c.FilterSubject != "" {
		filters = append(filters[:len(filters):len(filters)], c.FilterSubject)
	}
	if len(filters) == 0 {
		return fmt.Errorf("a consumer from outside needs a filter: set filter_subject to %s or a subject under it", g.readable)
	}
	overlaps := false
	for _, filter := range filters {
		if err := g.checkReadable(filter); err != nil {
			return err
		}
		overlaps = overlaps || closed.overlaps(filter)
	}
	if !overlaps {
		return nil
	}
	return g.startAfter(c, closed.To)
}

// startAfter makes a consumer start after a sequence, or later if it asks for that.
func (g *guard) startAfter(c *server.ConsumerConfig, to uint64) error {
	start := to + 1
	switch c.DeliverPolicy {
	case server.DeliverNew:
		return nil
	case server.DeliverAll:
	case server.DeliverByStartSequence:
		start = max(start, c.OptStartSeq)
	case server.DeliverByStartTime:
		if c.OptStartTime == nil {
			return errors.New("the policy by_start_time needs opt_start_time")
		}
		at, err := g.firstSince(*c.OptStartTime)
		if err != nil {
			return err
		}
		start = max(start, at)
	default:
		return fmt.Errorf("a consumer for the last messages would read some that belong to records that are private now: filter on other subjects, or start at sequence %d", start)
	}
	c.DeliverPolicy, c.OptStartSeq, c.OptStartTime = server.DeliverByStartSequence, start, nil
	return nil
}

// firstSince returns the first sequence that was stored since a time. If there is
// none, it returns the one after the end of the stream.
func (g *guard) firstSince(t time.Time) (uint64, error) {
	stream, err := g.state()
	if err != nil {
		return 0, err
	}
	body, err := json.Marshal(server.JSApiMsgGetRequest{StartTime: &t, NextFor: g.readable})
	if err != nil {
		return 0, fmt.Errorf("the time is not one: %w", err)
	}
	answer, err := g.request(getAPI+g.stream, body)
	if err != nil {
		return 0, err
	}
	var found server.JSApiMsgGetResponse
	if err := json.Unmarshal(answer.Data, &found); err != nil {
		return 0, fmt.Errorf("the answer of the stream is not one: %w", err)
	}
	switch {
	case found.Message != nil:
		return found.Message.Sequence, nil
	case found.Error != nil && found.Error.ErrCode != uint16(jetstream.JSErrCodeMessageNotFound):
		return 0, found.Error
	}
	return stream.State.LastSeq + 1, nil
}

func (g *guard) admitOneMore() error {
	stream, err := g.state()
	if err != nil {
		return err
	}
	if n := stream.State.Consumers; n >= MaxConsumers {
		return fmt.Errorf("the stream has %d consumers and takes no more now", n)
	}
	return nil
}

func (g *guard) state() (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(context.Background(), guardTimeout)
	defer cancel()
	stream, err := g.js.Stream(ctx, g.stream)
	if err != nil {
		return nil, fmt.Errorf("the stream did not answer: %w", err)
	}
	return stream.CachedInfo(), nil
}
