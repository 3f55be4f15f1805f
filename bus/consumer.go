package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
)

const (
	// pullMessages and pullBytes bound a pull request; one is open at a time.
	// pullBytes is more than the largest message has, and less than the 64 MiB
	// of one subscription from which the client library drops messages.
	pullMessages = 8192
	pullBytes    = 40 << 20
	pullExpires  = 30 * time.Second
	heartbeat    = 2 * time.Second
	ackWait      = time.Minute
	// readAhead is how many messages are queued for Next.
	readAhead = 4096
)

// ErrConsumerLost says that the server has no such consumer any more, that the
// connection to it was lost, or that it sends no heartbeats. Create another
// consumer from the last stored position.
var ErrConsumerLost = errors.New("bus: the log's consumer is lost")

// Consumer reads the log from a position on, in order, each message once. It is
// for one goroutine.
type Consumer struct {
	bus  *Bus
	log  origin
	nc   *nats.Conn
	js   jetstream.JetStream
	name string

	queue   chan jetstream.Msg
	lost    chan error
	consume jetstream.ConsumeContext
	stop    context.CancelFunc

	start history.Position
	// next is the sequence expected next, lastTime the time of the write of the
	// message before it.
	next     uint64
	lastTime int64
	gaps     *recordGaps
	// storedBefore is the last sequence that the sink has stored of the log before this
	// one, which was deleted.
	storedBefore uint64
	// gapCause is the cause of the last range that was missing.
	gapCause loss.Cause
	// pending holds messages for which dst had no room.
	pending []Message
	ackTo   string
}

// Consumer creates the consumer of a sink and reads the messages after a
// position. The sink alone knows what it has stored, so the position is the
// sink's, not the server's. Messages after it that the log no longer has are
// reported as losses before the first message.
//
// If the position is of another log, this log is read from its start, and a
// LogMissing loss with an unknown count stands for the rest of the other log. If
// the position is after the end of the log, the log has lost its tail, by a power
// loss or because it was replaced by an older copy. Reading then starts at the
// end. Start returns where reading started in each case.
func (b *Bus) Consumer(ctx context.Context, name string, from history.Position) (*Consumer, error) {
	if !validToken(name) {
		return nil, fmt.Errorf("bus: sink name %q cannot be part of a consumer's name: use letters, digits, '-' and '_'", name)
	}
	log, state, err := b.look(ctx)
	if err != nil {
		return nil, err
	}
	c := &Consumer{bus: b, log: log, queue: make(chan jetstream.Msg, readAhead), lost: make(chan error, 1)}
	if err := c.chooseStart(ctx, from, state, b.attachFirst(name)); err != nil {
		return nil, err
	}
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	if err := c.subscribe(ctx, name); err != nil {
		c.nc.Close()
		return nil, err
	}
	return c, nil
}

func (c *Consumer) connect(ctx context.Context) (err error) {
	c.nc, err = c.bus.server.Connect(ctx, "sink", nats.ReconnectHandler(func(*nats.Conn) {
		c.fail(errors.New("the connection to the server was lost"))
	}))
	if err != nil {
		return err
	}
	if c.js, err = c.bus.jetStream(c.nc); err != nil {
		c.nc.Close()
		return err
	}
	return nil
}

// subscribe creates the consumer and pulls its messages into the queue. A full
// queue stops the pulling, so memory stays bounded however long a sink takes.
func (c *Consumer) subscribe(ctx context.Context, sink string) error {
	consumer, err := c.create(ctx, sink)
	if err != nil {
		return err
	}
	if err := c.checkSame(ctx); err != nil {
		c.remove(ctx)
		return err
	}
	if err := c.reportMissingEnd(consumer.CachedInfo().NumPending); err != nil {
		return err
	}
	reading, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.consume, err = consumer.Consume(func(m jetstream.Msg) {
		select {
		case c.queue <- m:
		case <-reading.Done():
		}
	},
		jetstream.PullMaxMessagesWithBytesLimit(pullMessages, pullBytes), jetstream.PullThresholdMessages(1),
		jetstream.PullExpiry(pullExpires), jetstream.PullHeartbeat(heartbeat),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) { c.fail(err) }))
	if err != nil {
		stop()
		c.remove(ctx)
		return fmt.Errorf("bus: read the consumer of sink %s: %w", sink, err)
	}
	return nil
}

// fail makes the next receive return an error.
func (c *Consumer) fail(err error) {
	select {
	case c.lost <- err:
	default: // one error is enough
	}
}

// Start returns the position after which reading started.
func (c *Consumer) Start() history.Position { return c.start }

// Next waits for a message and then, until a time that may be in the past, for
// more. It fills dst with messages of at most about maxBytes of values. The values
// are valid until the next call.
func (c *Consumer) Next(ctx context.Context, dst []Message, maxBytes int, until time.Time) (int, error) {
	n := copy(dst, c.pending)
	c.pending = c.pending[n:]
	var late <-chan time.Time
	for size := 0; n < len(dst) && size < maxBytes; {
		m, err := c.receive(ctx, n > 0, late)
		if err != nil {
			return n, err
		}
		if m == nil {
			k := copy(dst[n:], c.pending) // what the idle consumer found missing
			c.pending = append(c.pending[:0], c.pending[k:]...)
			if n += k; n > 0 {
				return n, nil
			}
			continue
		}
		if rest := time.Until(until); late == nil && rest > 0 {
			timer := time.NewTimer(rest)
			defer timer.Stop()
			late = timer.C
		}
		size += len(m.Data())
		added, err := c.accept(m, dst[n:])
		if err != nil {
			return n, err
		}
		n += added
	}
	return n, nil
}

// receive returns the next message. If the caller already has one, receive waits
// only until late, and not at all if late is nil; it then returns nil. It also returns nil
// if it finds that somebody has purged the log.
func (c *Consumer) receive(ctx context.Context, have bool, late <-chan time.Time) (jetstream.Msg, error) {
	select {
	case m := <-c.queue:
		return m, nil
	default:
	}
	if have && late == nil {
		return nil, nil
	}
	idle, stop := c.idle()
	defer stop()
	select {
	case m := <-c.queue:
		return m, nil
	case <-late:
		return nil, nil
	case <-idle:
		return nil, c.reportPurged(ctx)
	case err := <-c.lost:
		return nil, fmt.Errorf("%w: %w", ErrConsumerLost, err)
	case <-ctx.Done():
		if have {
			return nil, nil
		}
		return nil, ctx.Err()
	}
}

// Ack acknowledges all messages that Next has returned.
func (c *Consumer) Ack() error {
	if c.ackTo == "" {
		return nil
	}
	if err := c.nc.Publish(c.ackTo, []byte("+ACK")); err != nil {
		return fmt.Errorf("bus: acknowledge messages of the log: %w", err)
	}
	return nil
}

// Close stops reading. The consumer stays on the server and shows how far the
// sink has read.
func (c *Consumer) Close() {
	c.stop()
	c.consume.Stop()
	c.nc.Close()
}
