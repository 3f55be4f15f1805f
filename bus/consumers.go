package bus

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// create makes the consumer anew. Its name holds a secret, so that clients
// from outside, who may not list consumers, cannot disturb it.
func (c *Consumer) create(ctx context.Context, sink string) error {
	c.removeOld(ctx, "sink_"+sink+"_")
	c.name = secretName("sink_" + sink)
	_, err := c.bus.js.CreateConsumer(ctx, c.bus.stream, jetstream.ConsumerConfig{
		Durable: c.name, Description: "The sink " + sink,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: c.next,
		AckPolicy: jetstream.AckAllPolicy, AckWait: ackWait, MaxDeliver: -1,
		MaxAckPending: 4 * pullBatch, MaxWaiting: 16,
		ReplayPolicy:  jetstream.ReplayInstantPolicy,
		MemoryStorage: true,
	})
	if err != nil {
		return fmt.Errorf("bus: create the consumer of sink %s: %w", sink, err)
	}
	return nil
}

// dropOld deletes the consumers of the same sink that an earlier start left.
func (c *Consumer) removeOld(ctx context.Context, prefix string) {
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
func (c *Consumer) remove(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), defaultAnswerTimeout)
	defer cancel()
	if err := c.bus.js.DeleteConsumer(ctx, c.bus.stream, c.name); err != nil {
		c.bus.log.Debug("bus: a consumer that could not be read stays", "consumer", c.name, "error", err)
	}
}

// secretName makes a name nobody outside the process can guess.
func secretName(prefix string) string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails: the runtime ends the process instead
	return prefix + "_" + hex.EncodeToString(b[:])
}
