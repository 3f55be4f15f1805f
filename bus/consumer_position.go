package bus

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
)

// attachFirst reports whether a sink is attached for the first time since the
// log was opened.
func (b *Bus) attachFirst(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	first := !b.knownSinks[name]
	b.knownSinks[name] = true
	return first
}

// chooseStart sets the position after which reading starts. A sink that is
// attached for the first time is compared with the end that the log had when it
// was opened: a checkpoint after that end is not of messages written since.
func (c *Consumer) chooseStart(from history.Position, state jetstream.StreamState, first bool) {
	c.start = history.Position{Log: c.bus.identity, Sequence: from.Sequence}
	end := state.LastSeq
	if first {
		end = c.bus.endAtOpen
	}
	switch {
	case from.Log == "":
		c.start.Sequence = 0
	case from.Log != c.bus.identity:
		c.start.Sequence = 0
		c.pending = append(c.pending, Message{Loss: &loss.Loss{
			Cause: loss.LogMissing, From: from.Sequence + 1, LastTime: time.Now().UnixMilli(),
		}})
		c.bus.log.Warn("bus: the sink's checkpoint is of another log; reading this log from its start", "checkpoint_log", from.Log, "log", c.bus.identity, "checkpoint", from.Sequence)
	case from.Sequence > end:
		c.start.Sequence = end
		c.bus.log.Warn("bus: the log has lost its tail: it ends before the sink's checkpoint; reading from its end", "log_end", end, "checkpoint", from.Sequence)
	}
	c.next = c.start.Sequence + 1
	c.gaps = newRecordGaps(c.start.Sequence)
	if state.FirstSeq > c.next {
		c.reportGap(state.FirstSeq, state.FirstTime.UnixMilli())
	}
}

// accept turns a message of the log into messages for the sink: none for a
// redelivered one, up to two losses and the message itself after a gap.
func (c *Consumer) accept(m jetstream.Msg, dst []Message) (int, error) {
	sequence, err := sequenceOf(m.Reply())
	if err != nil {
		return 0, err
	}
	if sequence < c.next {
		return 0, nil // redelivered, because the sink took longer than ackWait
	}
	message := c.bus.message(m.Subject(), m.Headers(), m.Data(), sequence)
	if sequence > c.next {
		c.reportGap(sequence, message.Time)
	}
	if lost, _ := c.gaps.observe(&message); lost != nil {
		c.pending = append(c.pending, Message{Sequence: sequence - 1, Record: lost.Record, Loss: lost})
	}
	c.next, c.lastTime, c.ackTo = sequence+1, message.Time, m.Reply()
	c.pending = append(c.pending, message)
	n := copy(dst, c.pending)
	c.pending = append(c.pending[:0], c.pending[n:]...)
	return n, nil
}

// reportGap adds a loss for the messages from c.next up to the one before to,
// which was written at a time. Each record's share of it follows with the record's
// next message.
func (c *Consumer) reportGap(to uint64, written int64) {
	c.pending = append(c.pending, Message{Sequence: to - 1, Loss: &loss.Loss{
		Cause: loss.LogDiscarded, Count: to - c.next, From: c.next, To: to - 1, FirstTime: c.lastTime, LastTime: written,
	}})
	c.bus.log.Warn("bus: the log discarded messages at its limits before a sink had read them", "from", c.next, "to", to-1)
	c.next = to
}
