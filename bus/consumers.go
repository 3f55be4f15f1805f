package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// create makes the consumer anew. Its name holds a secret, so that clients
// from outside, who may not list consumers, cannot disturb it.
func (c *Consumer) create(ctx context.Context, sink string) error {
	c.dropOld(ctx, "sink_"+sink+"_")
	c.name = secretName("sink_" + sink)
	policy := jetstream.DeliverByStartSequencePolicy
	request := map[string]any{
		"stream_name": c.bus.stream,
		"config": jetstream.ConsumerConfig{
			Durable: c.name, Description: "The sink " + sink,
			DeliverPolicy: policy, OptStartSeq: c.next,
			AckPolicy: jetstream.AckAllPolicy, AckWait: ackWait, MaxDeliver: -1,
			MaxAckPending: 4 * pullBatch, MaxWaiting: 16,
			ReplayPolicy:  jetstream.ReplayInstantPolicy,
			MemoryStorage: true,
		},
	}
	return c.bus.api(ctx, "CONSUMER.DURABLE.CREATE."+c.bus.stream+"."+c.name, request)
}

// dropOld deletes the consumers of the same sink that an earlier start left.
func (c *Consumer) dropOld(ctx context.Context, prefix string) {
	stream, err := c.bus.js.Stream(ctx, c.bus.stream)
	if err != nil {
		return // making the new one will tell
	}
	names := stream.ConsumerNames(ctx)
	for name := range names.Name() {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if err := stream.DeleteConsumer(ctx, name); err != nil {
			c.bus.log.Warn("bus: an old consumer stays", "consumer", name, "error", err)
		}
	}
}

// drop deletes a consumer that cannot be read.
func (c *Consumer) drop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	if err := c.bus.js.DeleteConsumer(ctx, c.bus.stream, c.name); err != nil {
		c.bus.log.Debug("bus: a consumer that could not be read stays", "consumer", c.name, "error", err)
	}
}

// api sends a request to JetStream's API and returns its refusal.
func (b *Bus) api(ctx context.Context, method string, request any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("bus: %s: %w", method, err)
	}
	m, err := b.nc.RequestWithContext(ctx, "$JS.API."+method, body)
	if err != nil {
		return fmt.Errorf("bus: %s: %w", method, err)
	}
	var response struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &response); err != nil {
		return fmt.Errorf("bus: %s: %w", method, err)
	}
	if response.Error != nil {
		return fmt.Errorf("bus: %s: %w", method, response.Error)
	}
	return nil
}
