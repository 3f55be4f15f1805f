package bus

import (
	"context"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/counted"
	"github.com/aimdb-go/aimdb/loss"
)

// logCheck is one verification of the log.
type logCheck struct {
	LogVerification
	bus  *Bus
	from history.Position
	gaps *recordGaps
	// next is the sequence expected next, lastTime the time of the write before it.
	next     uint64
	lastTime int64
	// gapCause is the cause of the last range that was missing, and announced says
	// that the log names it.
	gapCause  loss.Cause
	announced bool
	// same says that the log is that of the checkpoint.
	same bool
}

func newLogCheck(b *Bus, from history.Position) *logCheck {
	return &logCheck{bus: b, from: from, gapCause: loss.LogDiscarded, LogVerification: LogVerification{
		Log: b.Identity(), Waiting: map[string]uint64{}, Missing: []LogFinding{}, Announced: []LogFinding{},
		Problems: []string{}, Notes: []string{},
	}}
}

// run reads the mark before the state of the log: the log then holds what the mark
// says, also while it grows.
func (c *logCheck) run(ctx context.Context) error {
	c.readMark()
	if err := c.readNote(ctx); err != nil {
		return err
	}
	switch {
	case c.bus.absent && c.bus.server != nil:
		c.unreadable()
		return nil
	case c.bus.absent:
		c.missingLog()
		return nil
	}
	state, err := c.bus.state(ctx)
	if err != nil {
		return err
	}
	c.First, c.Last = state.FirstSeq, state.LastSeq
	if err := c.begin(ctx, state); err != nil {
		return err
	}
	if err := c.read(ctx, state); err != nil {
		return err
	}
	c.checkEnd()
	if c.gaps.repeated > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("The log holds %s twice; whoever reads it skips the second copy.", counted.Of(c.gaps.repeated, "message")))
	}
	return nil
}

func (c *logCheck) readMark() {
	if c.bus.config.StateDir == "" {
		return
	}
	m, err := readMark(c.bus.markPath())
	if err != nil {
		c.Problems = append(c.Problems, fmt.Sprintf("The mark of the log cannot be read (%v), so nobody can tell whether the log has lost its end. The next start writes a new one.", err))
		return
	}
	if c.Mark = m; m.Log == "" {
		c.Notes = append(c.Notes, "The log has no mark: nobody can tell whether it has lost its end.")
	}
}

// readNote announces the values that the last stop did not log. The next start logs them
// as lost.
func (c *logCheck) readNote(ctx context.Context) error {
	if c.bus.config.StateDir == "" {
		return nil
	}
	n, err := readNote(c.bus.notePath())
	if err != nil {
		c.Problems = append(c.Problems, fmt.Sprintf("The note of the values that the last stop did not log cannot be read (%v): these values are lost, and their number is not known.", err))
		return nil
	}
	losses, err := c.bus.notedLosses(ctx, n)
	for _, l := range losses {
		c.announce(LogFinding{Loss: l})
	}
	return err
}

// read reads the log to its end and looks for what is missing.
func (c *logCheck) read(ctx context.Context, state jetstream.StreamState) error {
	c.next, c.gaps = c.After+1, newRecordGaps(c.After)
	if state.FirstSeq > c.next {
		if err := c.missing(ctx, min(state.FirstSeq, state.LastSeq+1), state.FirstTime.UnixMilli()); err != nil {
			return err
		}
	}
	for m, err := range c.bus.Read(ctx, c.next, state.LastSeq) {
		if err != nil {
			return err
		}
		if m.Sequence > c.next {
			if err := c.missing(ctx, m.Sequence, m.Time); err != nil {
				return err
			}
		}
		c.take(&m)
	}
	if c.next <= state.LastSeq {
		return c.missing(ctx, state.LastSeq+1, 0)
	}
	return nil
}

// take counts a message.
func (c *logCheck) take(m *Message) {
	if m.Marker || c.gaps.repeats(m) {
		c.next, c.lastTime = m.Sequence+1, m.Time
		return
	}
	damaged := m.Loss != nil && m.Loss.Cause == loss.LogDamaged // its own loss, which nobody has logged
	if damaged || m.tombstone() {
		c.gapCause, c.announced = m.Loss.Cause, !damaged
	}
	if share, _ := c.gaps.observe(m); share != nil {
		share.Cause = c.gapCause
		if f := (LogFinding{Loss: *share, Sequence: m.Sequence}); c.announced {
			c.announce(f)
		} else {
			c.report(f)
		}
	}
	if damaged {
		c.report(LogFinding{Loss: *m.Loss, Sequence: m.Sequence})
	} else if m.Loss != nil {
		c.announce(LogFinding{Loss: *m.Loss, Sequence: m.Sequence})
	} else if _, seen := c.Waiting[m.Record]; seen {
		c.Waiting[m.Record]++
	} else {
		c.Waiting[strings.Clone(m.Record)] = 1
	}
	c.next, c.lastTime = m.Sequence+1, m.Time
}

// missing reports the messages from c.next up to the one before to.
func (c *logCheck) missing(ctx context.Context, to uint64, written int64) error {
	missing, err := c.bus.missingRanges(ctx, c.next, to, c.lastTime, written)
	for _, l := range missing {
		c.report(LogFinding{Sequence: l.To, Loss: l})
		c.next, c.gapCause, c.announced = l.To+1, l.Cause, false
	}
	return err
}

// checkEnd reports what the log held at its end according to its mark, and neither
// the log nor the sink has.
func (c *logCheck) checkEnd() {
	if m := c.Mark; m.Log != c.Log && !(c.same && m.Log == c.from.Log) {
		return
	}
	have := c.Last
	if c.same {
		have = max(have, c.from.Sequence)
	}
	if c.Mark.Sequence > have {
		c.report(LogFinding{Sequence: c.Mark.Sequence, Loss: loss.Loss{
			Cause: loss.LogTruncated, Count: c.Mark.Sequence - have, From: have + 1, To: c.Mark.Sequence,
			FirstTime: c.lastTime, LastTime: c.Mark.Time,
		}})
	}
}

func (c *logCheck) report(f LogFinding)   { c.Missing = c.add(c.Missing, f) }
func (c *logCheck) announce(f LogFinding) { c.Announced = c.add(c.Announced, f) }

// add appends a finding, or joins it to the last one if it continues that.
func (c *logCheck) add(all []LogFinding, f LogFinding) []LogFinding {
	if n := len(all); n > 0 {
		p := &all[n-1]
		if p.Record == f.Record && p.Cause == f.Cause && p.Run == f.Run && p.To != 0 && p.To+1 == f.From && f.Sequence > p.Sequence {
			p.To, p.Count, p.LastTime, p.Sequence = f.To, p.Count+f.Count, max(p.LastTime, f.LastTime), f.Sequence
			return all
		}
	}
	if len(all) == maxFindings {
		c.LeftOut++
		return all
	}
	f.Record = strings.Clone(f.Record)
	return append(all, f)
}
