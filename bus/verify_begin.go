package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/loss"
)

// begin decides after which sequence the sink reads on, as Consumer does.
func (c *logCheck) begin(ctx context.Context, state jetstream.StreamState) error {
	holds, err := c.bus.holds(ctx, c.from, c.Log, state)
	if err != nil {
		return err
	}
	c.same = c.from.Log == c.Log || holds == yes
	switch {
	case c.from.Log == "":
	case !c.same:
		c.missingLog()
	case holds == no:
		return c.beginReused(ctx, state)
	default:
		c.After = min(c.from.Sequence, state.LastSeq)
	}
	return nil
}

// beginReused begins where a log that has used sequences again continues after the
// checkpoint. What it had lost before that is not known.
func (c *logCheck) beginReused(ctx context.Context, state jetstream.StreamState) error {
	newer, err := c.bus.reusedFrom(ctx, c.from, state)
	if err != nil {
		return err
	}
	c.After, c.gapCause = newer-1, loss.LogTruncated
	c.report(LogFinding{Loss: loss.Loss{Cause: loss.LogTruncated, LastTime: time.Now().UnixMilli()}})
	return nil
}

// unreadable is about a server that skips the log because of a bad description. A
// start creates the log again over its messages.
func (c *logCheck) unreadable() {
	held := ""
	if m := c.Mark; m.Log != "" && m.Log == c.from.Log {
		held = fmt.Sprintf(" It held the sequences up to %d, of which the history has %d.", m.Sequence, c.from.Sequence)
	}
	c.Problems = append(c.Problems, "The server does not find the log, because its description is damaged or its files are gone."+held+
		" Start the database: that finds the messages that are left, and counts the others.")
}

// missingLog reports what a log held after the checkpoint that is not there any more.
func (c *logCheck) missingLog() {
	if c.from.Log == "" && c.Mark.Log == "" {
		return
	}
	l := loss.Loss{Cause: loss.LogMissing, From: c.from.Sequence + 1}
	if c.bus.absent && c.Mark.Log == "" && len(c.Problems) == 0 {
		c.Copied, c.Notes = true, []string{} // that there is no mark is part of it
		c.announce(LogFinding{Loss: l})
		return
	}
	if m := c.Mark; m.Log == c.from.Log || c.from.Log == "" {
		l.To, l.LastTime = m.Sequence, m.Time
		l.Count = m.Sequence - min(m.Sequence, c.from.Sequence)
		if l.Count == 0 {
			return // the history has all of it
		}
	}
	c.report(LogFinding{Loss: l})
}
