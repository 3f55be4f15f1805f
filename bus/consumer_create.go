package bus

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// create replaces the sink's consumer. Clients from outside may not list consumers
// and cannot guess its name, so they cannot disturb it.
func (c *Consumer) create(ctx context.Context, sink string) (jetstream.Consumer, error) {
	c.removeOld(ctx, sink)
	c.name = secretName(sinkPrefix + sink)
	consumer, err := c.js.CreateConsumer(ctx, c.bus.stream, jetstream.ConsumerConfig{
		Durable: c.name, Description: "The sink " + sink,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: c.next,
		AckPolicy: jetstream.AckAllPolicy, AckWait: ackWait, MaxDeliver: -1,
		MaxAckPending: 2 * pullMessages, MaxWaiting: 16,
		ReplayPolicy:  jetstream.ReplayInstantPolicy,
		MemoryStorage: true,
	})
	if err != nil {
		return nil, fmt.Errorf("bus: create the consumer of sink %s: %w", sink, err)
	}
	return consumer, nil
}

// checkSame returns an error if the stream was replaced since it was looked at.
func (c *Consumer) checkSame(ctx context.Context) error {
	if !c.bus.config.Shared {
		return nil
	}
	now, _, err := c.bus.look(ctx)
	if err == nil && now.identity != c.log.identity {
		err = fmt.Errorf("bus: the log %s was replaced by %s while it was opened", c.log.identity, now.identity)
	}
	return err
}

// removeOld deletes the consumers of the same sink that an earlier run left.
func (c *Consumer) removeOld(ctx context.Context, sink string) {
	stream, err := c.js.Stream(ctx, c.bus.stream)
	if err != nil {
		return // create fails too and returns the error
	}
	names := stream.ConsumerNames(ctx)
	for name := range names.Name() {
		if of, ok := sinkOf(name); !ok || of != sink {
			continue
		}
		if err := stream.DeleteConsumer(ctx, name); err != nil {
			c.bus.log.Warn("bus: an old consumer could not be deleted", "consumer", name, "error", err)
		}
	}
	if err := names.Err(); err != nil {
		c.bus.log.Warn("bus: old consumers could not be listed", "sink", sink, "error", err)
	}
}

// sinkPrefix begins the names of the consumers of sinks.
const sinkPrefix = "sink_"

// sinkOf returns the sink of a consumer from its name.
func sinkOf(consumer string) (sink string, ok bool) {
	rest, ok := strings.CutPrefix(consumer, sinkPrefix)
	end := len(rest) - secretLength - 1
	if !ok || end < 1 || rest[end] != '_' {
		return "", false
	}
	return rest[:end], true
}

// remove deletes a consumer that cannot be read.
func (c *Consumer) remove(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), defaultAnswerTimeout)
	defer cancel()
	if err := c.js.DeleteConsumer(ctx, c.bus.stream, c.name); err != nil {
		c.bus.log.Debug("bus: a consumer that cannot be read could not be deleted", "consumer", c.name, "error", err)
	}
}

// secretLength is the number of hexadecimal digits of 96 random bits.
const secretLength = 24

// secretName returns a name with 96 random bits.
func secretName(prefix string) string {
	var b [secretLength / 2]byte
	_, _ = rand.Read(b[:]) // never fails: the runtime ends the process instead
	return prefix + "_" + hex.EncodeToString(b[:])
}
