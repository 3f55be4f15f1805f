package bus

import (
	"strings"

	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
)

// numbering follows the numbers of each record's messages as one reader gets
// them, and so sees of whose values the log has discarded how many. Numbers
// are compared within one run of a process only: where they go on in another,
// nothing says how far the one before had come.
type recordGaps struct {
	// start is the sequence that reading began behind.
	start uint64
	last  map[string]*lastNumber
}

// numbered is the last message of one record.
type lastNumber struct {
	run, number uint64
	time        int64
	// seeded is true if the message itself was not had: it was the record's
	// last when reading began.
	assumed bool
}

func newRecordGaps(start uint64) *recordGaps {
	return &recordGaps{start: start, last: map[string]*lastNumber{}}
}

// note takes the next message, and returns the loss of values of the same
// record right before it. That is known if the reader has had a message of the
// record in the same run, or if the run began behind the point where reading
// began; known is false otherwise.
func (n *recordGaps) observe(m *Message) (l *loss.Loss, known bool) {
	covers := uint64(1)
	if m.Loss != nil {
		covers = m.Loss.Count
	}
	if m.Number == 0 || m.Number < covers {
		return nil, true // not one of ours
	}
	first := m.Number - covers + 1
	last, seen := n.last[m.Record]
	if !seen {
		last = &lastNumber{}
		n.last[strings.Clone(m.Record)] = last
	}
	before, since := uint64(0), int64(0)
	switch {
	case seen && last.run == m.Run:
		before, since = last.number, last.time
		known = !last.assumed || first > before
	default:
		known = m.Run >= n.start
	}
	*last = lastNumber{run: m.Run, number: m.Number, time: m.Time}
	if !known || first <= before+1 {
		return nil, known
	}
	return &loss.Loss{
		Record: m.Record, Cause: loss.LogDiscarded, Count: first - before - 1,
		From: before + 1, To: first - 1, FirstTime: since, LastTime: m.Time,
	}, true
}

// seed notes what each record's last number is as reading begins, somewhere
// before it. What comes behind that number must come.
func (n *recordGaps) assumeRead(r *Republisher, pattern key.Pattern) {
	w := r.writer.Load()
	if w == nil {
		return
	}
	for _, s := range r.byID {
		if s != nil && pattern.Match(s.record.Key()) {
			n.last[s.record.Key()] = &lastNumber{run: w.runStart, number: s.lastNumber.Load(), assumed: true}
		}
	}
}
