package bus

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// readBytes bounds the bytes of one fetch of a logReader. The client library
	// drops messages above 64 MiB.
	readBytes = 32 << 20
	// readMessages bounds its messages.
	readMessages = 256
)

// Read yields the messages of the log from one sequence to another, both included,
// that can be read. It leaves no trace in the log. The values stay valid.
func (b *Bus) Read(ctx context.Context, from, to uint64) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		r := &logReader{bus: b, next: max(from, 1), to: to, yield: yield}
		defer r.close()
		if err := r.run(ctx); err != nil {
			yield(Message{}, fmt.Errorf("bus: read the log from %d to %d: %w", from, to, err))
		}
	}
}

// logReader reads a part of the log with a consumer of its own. A consumer passes over
// messages that cannot be read, and over those that the connection dropped. So the
// first message that a consumer passed over is asked for by its sequence.
type logReader struct {
	bus      *Bus
	consumer jetstream.Consumer
	next, to uint64
	yield    func(Message, error) bool
	ended    bool // yield has returned false, or there is no more
}

func (r *logReader) run(ctx context.Context) error {
	for !r.ended && r.next <= r.to {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.fetch(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fetch yields the messages of one request. It reads the request to its end.
func (r *logReader) fetch(ctx context.Context) error {
	if r.consumer == nil {
		if err := r.open(ctx); err != nil {
			return err
		}
	}
	before := r.next
	batch, err := r.consumer.FetchNoWait(r.atOnce())
	if err != nil {
		return err
	}
	for m := range batch.Messages() {
		if err == nil && !r.ended && r.consumer != nil {
			err = r.take(ctx, m)
		}
	}
	if err != nil || r.ended {
		return err
	}
	if err := batch.Error(); err != nil {
		return err
	}
	if r.next > before {
		return nil
	}
	if passed, err := r.passedOver(ctx); passed || err != nil {
		return err
	}
	r.ended = true // nothing can be read any more
	return nil
}

// atOnce is the number of messages of a fetch.
func (r *logReader) atOnce() int {
	return min(max(readBytes/(r.bus.config.MaxValue+headerBytes), 1), readMessages)
}

// take yields one message of the consumer.
func (r *logReader) take(ctx context.Context, raw jetstream.Msg) error {
	meta, err := raw.Metadata()
	if err != nil {
		return err
	}
	sequence := meta.Sequence.Stream
	if sequence > r.next {
		if passed, err := r.passedOver(ctx); passed || err != nil {
			return err
		}
	}
	if sequence > r.to {
		r.ended = true
		return nil
	}
	r.next = sequence + 1
	r.ended = !r.yield(r.bus.message(raw.Subject(), raw.Headers(), raw.Data(), sequence), nil)
	return nil
}

// passedOver yields the next message if it can be read after all, and continues after
// it with another consumer.
func (r *logReader) passedOver(ctx context.Context) (bool, error) {
	m, err := r.bus.get(ctx, r.next)
	if m == nil || err != nil {
		return false, err
	}
	r.close()
	r.next++
	r.ended = !r.yield(r.bus.message(m.Subject, m.Header, m.Data, m.Sequence), nil)
	return true, nil
}

func (r *logReader) open(ctx context.Context) (err error) {
	r.consumer, err = r.bus.js.CreateConsumer(ctx, r.bus.stream, jetstream.ConsumerConfig{
		Name: secretName("read"), Description: "A reader of the log",
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: r.next,
		AckPolicy: jetstream.AckNonePolicy, ReplayPolicy: jetstream.ReplayInstantPolicy,
		InactiveThreshold: time.Minute, MemoryStorage: true,
	})
	return err
}

// close deletes the consumer. One that cannot be deleted is dropped by the server
// after a minute.
func (r *logReader) close() {
	if r.consumer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), defaultAnswerTimeout)
	defer cancel()
	name := r.consumer.CachedInfo().Name
	r.consumer = nil
	if err := r.bus.js.DeleteConsumer(ctx, r.bus.stream, name); err != nil {
		r.bus.log.Debug("bus: the consumer of a reader could not be deleted", "consumer", name, "error", err)
	}
}
