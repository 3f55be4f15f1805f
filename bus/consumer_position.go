package bus

import (
	"context"
	"fmt"
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
	if b.sinks[name] != nil {
		return false
	}
	b.sinks[name] = &attached{}
	return true
}

// chooseStart sets the position after which reading starts. A sink that is attached
// for the first time is compared with the end that the log had when it was opened: a
// checkpoint after that end is not of messages written since.
func (c *Consumer) chooseStart(ctx context.Context, from history.Position, state jetstream.StreamState, first bool) error {
	c.start = history.Position{Log: c.log.identity, Sequence: from.Sequence, Message: from.Message}
	c.gapCause = loss.LogDiscarded
	holds, err := c.bus.holds(ctx, from, c.log.identity, state)
	if err != nil {
		return err
	}
	switch {
	case from.Log == "":
		c.start = history.Position{Log: c.log.identity}
	case from.Log != c.log.identity && holds == yes:
		c.bus.log.Warn("bus: the log has lost its identity and holds the last message that the sink has stored; reading after it",
			"checkpoint_log", from.Log, "log", c.log.identity, "checkpoint", from.Sequence)
	case from.Log != c.log.identity:
		if err := c.startOtherLog(ctx, from); err != nil {
			return err
		}
	case holds == no:
		if err := c.startReused(ctx, from, state); err != nil {
			return err
		}
	case c.bus.config.Shared && from.Sequence > state.LastSeq:
		return fmt.Errorf("bus: the log ends at %d, before the sink's checkpoint %d: its server has lost the end; reading begins when the writer of the log has filled it",
			state.LastSeq, from.Sequence)
	case !c.bus.config.Shared && first && from.Sequence > c.log.endAtOpen:
		c.start = history.Position{Log: c.log.identity, Sequence: c.log.endAtOpen}
		c.bus.log.Warn("bus: the log has lost its tail: it ends before the sink's checkpoint; reading from its end", "log_end", c.log.endAtOpen, "checkpoint", from.Sequence)
	}
	c.next = c.start.Sequence + 1
	c.gaps = newRecordGaps(c.start.Sequence)
	if state.FirstSeq > c.next {
		return c.reportMissing(state.FirstSeq, state.FirstTime.UnixMilli())
	}
	return nil
}

// startOtherLog reads a log from its start whose identity is not that of the
// checkpoint. If a mark is of the checkpoint's log, it tells how much is lost: exactly
// after a kill, and up to a second too little after a power loss. On a shared server the
// first marker of the log tells.
func (c *Consumer) startOtherLog(ctx context.Context, from history.Position) error {
	c.start = history.Position{Log: c.log.identity}
	missing, last, err := c.bus.missingBefore(ctx, c.log, from.Log, from.Sequence)
	if err != nil {
		return err
	}
	if last {
		c.storedBefore = from.Sequence
	}
	c.bus.log.Warn("bus: the sink's checkpoint is of another log; reading this log from its start", "checkpoint_log", from.Log, "log", c.log.identity, "checkpoint", from.Sequence)
	for _, l := range missing {
		c.pending = append(c.pending, Message{Loss: &l})
	}
	return nil
}

// startReused reads a log that has used the sequences of a checkpoint again:
// everything that was logged after the checkpoint's message is new. What the log had
// lost after the checkpoint is not known to anybody; Restore keeps this from
// happening where a mark or a checkpoint tells where the log had ended.
func (c *Consumer) startReused(ctx context.Context, from history.Position, state jetstream.StreamState) error {
	newer, err := c.bus.reusedFrom(ctx, from, state)
	if err != nil {
		return err
	}
	c.start = history.Position{Log: c.log.identity, Sequence: newer - 1}
	c.bus.log.Error("bus: the log has lost its end and used the sequences again; reading what was logged since", "checkpoint", from.Sequence, "from", newer)
	return nil
}

// accept turns a message of the log into messages for the sink: none for a
// redelivered one, up to four losses and the message itself after a gap.
func (c *Consumer) accept(m jetstream.Msg, dst []Message) (int, error) {
	sequence, err := sequenceOf(m.Reply())
	if err != nil {
		return 0, err
	}
	if sequence < c.next {
		return 0, nil // redelivered, because the sink took longer than ackWait
	}
	message := c.bus.message(m.Subject(), m.Headers(), m.Data(), sequence)
	message.reply = m.Reply()
	if sequence > c.next {
		if err := c.reportMissing(sequence, message.Time); err != nil {
			return 0, err
		}
	}
	if l := message.Loss; l != nil && l.Record == "" {
		c.gapCause = l.Cause // a tombstone or a damaged message
	}
	if c.gaps.repeats(&message) {
		c.bus.warnRepeated(c.gaps, &message)
		message.mark()
	} else if share, _ := c.gaps.observe(&message); share != nil {
		share.Cause = c.gapCause
		c.pending = append(c.pending, Message{Sequence: sequence - 1, Record: share.Record, Time: message.Time, Run: message.Run, Number: share.To, Loss: share})
	}
	if before := uint64(headerInt(m.Headers(), beforeHeader)); before > 0 && before <= c.storedBefore {
		message.mark()
	}
	c.next, c.lastTime, c.ackTo = sequence+1, message.Time, m.Reply()
	c.pending = append(c.pending, message)
	if sequence < c.log.endAtOpen {
		left, err := pendingAfter(m.Reply())
		if err == nil {
			err = c.reportMissingEnd(left)
		}
		if err != nil {
			return 0, err
		}
	}
	n := copy(dst, c.pending)
	c.pending = append(c.pending[:0], c.pending[n:]...)
	return n, nil
}

// reportMissing adds the losses of the messages from c.next up to the one before to,
// which was written at a time. Each record's share follows with the record's next
// message.
func (c *Consumer) reportMissing(to uint64, written int64) error {
	ctx, cancel := context.WithTimeout(context.Background(), defaultAnswerTimeout)
	defer cancel()
	missing, err := c.bus.missingRanges(ctx, c.next, to, c.lastTime, written)
	for _, l := range missing {
		c.pending = append(c.pending, Message{Sequence: l.To, Loss: &l})
		c.bus.log.Warn("bus: the log no longer holds messages that a sink has not read", "cause", string(l.Cause), "from", l.From, "to", l.To)
		c.next, c.gapCause = l.To+1, l.Cause
	}
	return err
}

// idle returns a channel that is ready when the consumer has waited for long on a shared
// server.
func (c *Consumer) idle() (<-chan time.Time, func() bool) {
	if !c.bus.config.Shared {
		return nil, func() bool { return false }
	}
	timer := time.NewTimer(lookEvery)
	return timer.C, timer.Stop
}

// reportPurged adds the losses of messages that somebody has purged before the consumer
// got them. No later message may come that shows them.
func (c *Consumer) reportPurged(ctx context.Context) error {
	log, state, err := c.bus.look(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrConsumerLost, err)
	case log.identity != c.log.identity:
		return fmt.Errorf("%w: the log %s was replaced by %s", ErrConsumerLost, c.log.identity, log.identity)
	case state.FirstSeq <= c.next:
		return nil
	}
	return c.reportMissing(state.FirstSeq, c.lastTime)
}

// reportMissingEnd adds the losses of the messages at the end that the log had when it
// was opened, if the consumer has none left. No later message may come that shows them.
// On a shared server it does nothing: the replica that the consumer reads may lag.
func (c *Consumer) reportMissingEnd(left uint64) error {
	if c.bus.config.Shared || left > 0 || c.next > c.log.endAtOpen {
		return nil
	}
	return c.reportMissing(c.log.endAtOpen+1, c.lastTime)
}
