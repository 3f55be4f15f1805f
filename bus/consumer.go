package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
)

const (
	// pullBatch is how many messages one request asks for; two requests are
	// open at a time, so that messages come in while others are committed.
	pullBatch   = 4096
	pullExpires = 30 * time.Second
	heartbeat   = 2 * time.Second
	ackWait     = time.Minute
)

// ErrConsumerLost says that a consumer is gone, or that nothing is heard of
// it: a new one, from the last position, is the way on.
var ErrConsumerLost = errors.New("bus: the log's consumer is lost")

// Consumer reads the log from a position on, in order, each message once. It
// is for one goroutine.
type Consumer struct {
	bus   *Bus
	nc    *nats.Conn
	name  string
	inbox string
	ch    chan *nats.Msg
	// asked is how many messages may still come for requests that are open.
	asked int
	// next is the sequence that must come next.
	next    uint64
	ackTo   string
	start   history.Position
	pending []Message
	// numbering tells whose values a gap has taken; time is when the last
	// message was written.
	numbering *numbering
	// gapCause is the cause of the last range that was missing.
	gapCause loss.Cause
	time     int64
	silent   *time.Timer
	// cut is told when the connection was lost and found again: requests that
	// were open are forgotten then.
	cut chan struct{}
}

// Consumer makes a durable consumer for a sink and reads what lies behind a
// position. The consumer's own position is not asked for: only the sink knows
// what it has stored. What the log cannot deliver any more is told as losses,
// in front of the first message.
//
// A position of another log means that everything in this log is new; what
// the other still had behind the position is lost, how much nobody knows. A
// position behind the end of the log means that the log has lost its tail, by
// a power loss or because an older copy was put in its place: reading goes on
// at the end, and Start tells the sink's new position.
func (b *Bus) Consumer(ctx context.Context, name string, from history.Position) (*Consumer, error) {
	if !validToken(name) {
		return nil, fmt.Errorf("bus: sink name %q cannot be part of a consumer's name: use letters, digits, '-' and '_'", name)
	}
	state, err := b.state(ctx)
	if err != nil {
		return nil, err
	}
	c := &Consumer{bus: b, silent: time.NewTimer(2 * heartbeat), cut: make(chan struct{}, 1)}
	if err := c.place(ctx, from, state, b.firstTime(name)); err != nil {
		return nil, err
	}
	if err := c.create(ctx, name); err != nil {
		return nil, err
	}
	if err := c.subscribe(ctx); err != nil {
		c.drop(ctx)
		return nil, err
	}
	return c, nil
}

// firstTime reports whether a sink is attached for the first time since the
// log was opened.
func (b *Bus) firstTime(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := !b.attached[name]
	b.attached[name] = true
	return first
}

// place finds where to read from.
func (c *Consumer) place(ctx context.Context, from history.Position, state jetstream.StreamState, first bool) error {
	c.start, c.gapCause = history.Position{Log: c.bus.identity, Sequence: from.Sequence, Message: from.Message}, loss.LogDiscarded
	holds, err := c.bus.holds(ctx, from, state)
	if err != nil {
		return err
	}
	switch {
	case from.Log == "":
		c.start = history.Position{Log: c.bus.identity}
	case from.Log != c.bus.identity && holds == yes:
		c.bus.log.Warn("bus: the log has lost its identity, and holds the last message that the sink has stored; reading on after it",
			"checkpoint_log", from.Log, "log", c.bus.identity, "checkpoint", from.Sequence)
	case from.Log != c.bus.identity:
		c.otherLog(from)
	case holds == no:
		if err := c.reused(ctx, from, state); err != nil {
			return err
		}
	case from.Sequence > state.LastSeq && first:
		c.start = history.Position{Log: c.bus.identity, Sequence: c.bus.openedAt}
		c.bus.log.Warn("bus: the log ends before the sink's checkpoint; reading on from its end", "log_end", c.bus.openedAt, "checkpoint", from.Sequence)
	}
	c.next = c.start.Sequence + 1
	c.numbering = newNumbering(c.start.Sequence)
	if state.FirstSeq > c.next {
		return c.missing(state.FirstSeq, state.FirstTime.UnixMilli())
	}
	return nil
}

// otherLog reads a log from its start whose identity is not that of the
// checkpoint. If the mark is of the checkpoint's log, it tells how much is lost.
func (c *Consumer) otherLog(from history.Position) {
	c.start = history.Position{Log: c.bus.identity}
	missing := loss.Loss{Cause: loss.LogMissing, From: from.Sequence + 1, LastTime: time.Now().UnixMilli()}
	if m := c.bus.mark; m.Log == from.Log {
		missing.Count, missing.To, missing.LastTime = m.Sequence-min(m.Sequence, from.Sequence), m.Sequence, m.Time
	}
	c.bus.log.Warn("bus: the sink's checkpoint is of another log; reading this one from its start", "checkpoint_log", from.Log, "log", c.bus.identity, "checkpoint", from.Sequence)
	if missing.To == 0 || missing.Count > 0 {
		c.pending = append(c.pending, Message{Loss: &missing})
	}
}

// reused reads a log that has used the sequences of a checkpoint again: everything
// that was logged after the checkpoint's message is new. What the log had lost
// after the checkpoint is not known to anybody; RestoreTail keeps this from
// happening where a mark or a checkpoint tells where the log had ended.
func (c *Consumer) reused(ctx context.Context, from history.Position, state jetstream.StreamState) error {
	newer, err := c.bus.firstAfter(ctx, from.Message.Time, state, from.Sequence)
	if err != nil {
		return err
	}
	c.start = history.Position{Log: c.bus.identity, Sequence: newer - 1}
	c.bus.log.Error("bus: the log has lost its end and used the sequences again; reading what was logged since", "checkpoint", from.Sequence, "from", newer)
	return nil
}

// missing adds the losses of the messages before a sequence, which was written at
// a time: what lies before the start of the log was discarded, unless that start
// has vanished, and what lies after it is damaged. Which records they belonged to
// shows when the next message of each record comes.
func (c *Consumer) missing(to uint64, written int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	state, err := c.bus.state(ctx)
	if err != nil {
		return err
	}
	c.gap(min(to, c.bus.damagedTo+1), written, loss.LogDamaged)
	c.gap(min(to, state.FirstSeq), written, loss.LogDiscarded)
	c.gap(to, written, loss.LogDamaged)
	return nil
}

// gap adds the loss of the messages between the last one and a sequence.
func (c *Consumer) gap(to uint64, written int64, cause loss.Cause) {
	if to <= c.next {
		return
	}
	c.pending = append(c.pending, Message{Sequence: to - 1, Loss: &loss.Loss{
		Cause: cause, Count: to - c.next, From: c.next, To: to - 1, FirstTime: c.time, LastTime: written,
	}})
	c.bus.log.Warn("bus: the log does not hold what a sink has not read yet", "cause", string(cause), "from", c.next, "to", to-1)
	c.next, c.gapCause = to, cause
}

// Start returns the position that reading began behind.
func (c *Consumer) Start() history.Position { return c.start }

func (c *Consumer) subscribe(ctx context.Context) error {
	nc, err := c.bus.server.Connect(ctx, "sink", nats.ReconnectHandler(func(*nats.Conn) {
		select {
		case c.cut <- struct{}{}:
		default:
		}
	}))
	if err != nil {
		return err
	}
	c.nc, c.inbox = nc, nc.NewInbox()
	c.ch = make(chan *nats.Msg, 4*pullBatch)
	if _, err := nc.ChanSubscribe(c.inbox, c.ch); err != nil {
		nc.Close()
		return fmt.Errorf("bus: subscribe to the sink's messages: %w", err)
	}
	if err := c.ask(); err != nil {
		nc.Close()
		return err
	}
	return nil
}

// ask keeps two requests open.
func (c *Consumer) ask() error {
	for c.asked <= pullBatch {
		body := fmt.Sprintf(`{"batch":%d,"expires":%d,"idle_heartbeat":%d}`, pullBatch, pullExpires, heartbeat)
		if err := c.nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+c.bus.stream+"."+c.name, c.inbox, []byte(body)); err != nil {
			return fmt.Errorf("bus: ask the log for messages: %w", err)
		}
		c.asked += pullBatch
	}
	return nil
}

// Next waits for a message, then for more until a time that may have passed
// already, and fills dst with at most maxBytes of values. The values are good until Next is
// called again.
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
			return n, nil
		}
		if rest := time.Until(until); late == nil && rest > 0 {
			timer := time.NewTimer(rest)
			defer timer.Stop()
			late = timer.C
		}
		size += len(m.Data)
		added, err := c.take(m, dst[n:])
		if err != nil {
			return n, err
		}
		n += added
	}
	return n, nil
}

// receive returns the next message. With some at hand already it waits only
// until late, and then returns nil.
func (c *Consumer) receive(ctx context.Context, have bool, late <-chan time.Time) (*nats.Msg, error) {
	select {
	case m := <-c.ch:
		return m, nil
	default:
	}
	if have && late == nil {
		return nil, nil
	}
	c.silent.Reset(2*heartbeat + heartbeat/2)
	select {
	case m := <-c.ch:
		return m, nil
	case <-late:
		return nil, nil
	case <-c.silent.C:
		return nil, fmt.Errorf("%w: no heartbeat", ErrConsumerLost)
	case <-c.cut:
		return nil, fmt.Errorf("%w: the server was started anew", ErrConsumerLost)
	case <-ctx.Done():
		if have {
			return nil, nil
		}
		return nil, ctx.Err()
	}
}

// take turns what came into messages: none for a status, up to three for one
// behind a gap.
func (c *Consumer) take(m *nats.Msg, dst []Message) (int, error) {
	if len(m.Data) == 0 && len(m.Header) > 0 && m.Header["Status"] != nil {
		return 0, c.status(m)
	}
	c.asked--
	if c.asked <= pullBatch {
		if err := c.ask(); err != nil {
			return 0, err
		}
	}
	sequence, err := sequenceOf(m.Reply)
	if err != nil {
		return 0, err
	}
	if sequence < c.next {
		return 0, nil // once more, because an acknowledgement took long
	}
	message := c.bus.message(m.Subject, m.Header, m.Data, sequence)
	message.reply = m.Reply
	if sequence > c.next {
		if err := c.missing(sequence, message.Time); err != nil {
			return 0, err
		}
	}
	if message.Loss != nil && message.Loss.Cause == loss.LogTruncated {
		c.gapCause = loss.LogTruncated
	}
	if share, _ := c.numbering.note(&message); share != nil {
		share.Cause = c.gapCause
		c.pending = append(c.pending, Message{Sequence: sequence - 1, Record: share.Record, Loss: share})
	}
	c.next, c.time, c.ackTo = sequence+1, message.Time, m.Reply
	c.pending = append(c.pending, message)
	n := copy(dst, c.pending)
	c.pending = append(c.pending[:0], c.pending[n:]...)
	return n, nil
}

// status deals with what the server says of the requests.
func (c *Consumer) status(m *nats.Msg) error {
	switch m.Header.Get("Status") {
	case "100": // a heartbeat
		return nil
	case "404", "408":
	case "409":
		text := strings.ToLower(m.Header.Get("Description"))
		if strings.Contains(text, "deleted") || strings.Contains(text, "shutdown") {
			return fmt.Errorf("%w: %s", ErrConsumerLost, text)
		}
	default:
		return fmt.Errorf("%w: the server says %s %s", ErrConsumerLost, m.Header.Get("Status"), m.Header.Get("Description"))
	}
	left := number(m.Header, "Nats-Pending-Messages")
	c.asked = max(0, c.asked-int(left))
	return c.ask()
}

// Ack tells the log that everything read so far is stored.
func (c *Consumer) Ack() error {
	if c.ackTo == "" {
		return nil
	}
	if err := c.nc.Publish(c.ackTo, []byte("+ACK")); err != nil {
		return fmt.Errorf("bus: acknowledge messages of the log: %w", err)
	}
	return nil
}

// Close ends the reading. The consumer stays, so that it can be seen how far
// the sink came.
func (c *Consumer) Close() {
	c.nc.Close()
	c.silent.Stop()
}
