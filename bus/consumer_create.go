package bus

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// create replaces the sink's consumer. Clients from outside may not list consumers
// and cannot guess its name, so they cannot disturb it.
func (c *Consumer) create(ctx context.Context, sink string) (jetstream.Consumer, error) {
	if err := c.removeOld(ctx, sink); err != nil {
		return nil, err
	}
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
	c.bus.setConsumer(sink, c.name)
	return consumer, nil
}

// ErrSinkTaken says that another process has begun to read the log as a sink of the same
// name since this one did, and still reads. The one that began last reads on.
var ErrSinkTaken = errors.New("bus: another process reads the log as a sink of this name")

// attached is a sink that this process reads the log for, or has read it.
type attached struct {
	// consumer is its last one, and taken says that another process has one now.
	consumer string
	taken    bool
}

// setConsumer notes that a sink has a consumer.
func (b *Bus) setConsumer(sink, name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sinks[sink] = &attached{consumer: name}
}

// consumerOf returns the last consumer of a sink, "" if it has had none.
func (b *Bus) consumerOf(sink string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sinks[sink].consumer
}

// taken returns ErrSinkTaken for a sink, and logs it once.
func (b *Bus) taken(sink string) error {
	err := fmt.Errorf("%w: two stores must not have one name in the log of a database; give the sink %s of one of the processes another name, or stop one", ErrSinkTaken, sink)
	b.mu.Lock()
	first := !b.sinks[sink].taken
	b.sinks[sink].taken = true
	b.mu.Unlock()
	if first {
		b.log.Error("bus: the sink reads nothing until the other process ends", "sink", sink, "error", err)
	}
	return err
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

// removeOld deletes the consumers of the same sink that an earlier run left. If this
// process has had one, and another process reads with its own now, removeOld returns
// ErrSinkTaken: otherwise each would take the log from the other again and again.
func (c *Consumer) removeOld(ctx context.Context, sink string) error {
	stream, err := c.js.Stream(ctx, c.bus.stream)
	if err != nil {
		return nil // create fails too and returns the error
	}
	var old []string
	names := stream.ConsumerNames(ctx)
	for name := range names.Name() {
		if of, ok := sinkOf(name); ok && of == sink {
			old = append(old, name)
		}
	}
	if err := names.Err(); err != nil {
		c.bus.log.Warn("bus: old consumers could not be listed", "sink", sink, "error", err)
	}
	own := c.bus.consumerOf(sink)
	for _, name := range old {
		if own == "" || name == own {
			continue
		}
		if other, err := stream.Consumer(ctx, name); err == nil && other.CachedInfo().NumWaiting > 0 {
			return c.bus.taken(sink)
		}
	}
	for _, name := range old {
		if err := stream.DeleteConsumer(ctx, name); err != nil {
			c.bus.log.Warn("bus: an old consumer could not be deleted", "consumer", name, "error", err)
		}
	}
	return nil
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
