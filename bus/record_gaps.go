package bus

import (
	"strings"

	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
)

// recordGaps compares the numbers of each record's messages as one reader receives
// them, and so finds how many values of each record the log has discarded. It
// compares numbers of one run of the process only: the last number of a previous run
// is unknown. Within a run the numbers of a record only grow, so a message whose number
// is not greater than the last one is a repetition.
type recordGaps struct {
	// start is the sequence after which reading started.
	start uint64
	last  map[string]*lastNumber
	// repeated counts the messages that repeat another one.
	repeated uint64
}

// lastNumber is the number of a record's last message.
type lastNumber struct {
	run, number uint64
	time        int64
	// assumed is true if the reader has not received the message: it was the
	// record's last one when reading started.
	assumed bool
}

func newRecordGaps(start uint64) *recordGaps {
	return &recordGaps{start: start, last: map[string]*lastNumber{}}
}

// repeats reports whether the next message has a number that the reader has received
// before, and counts it if so. Such a message is not observed.
func (n *recordGaps) repeats(m *Message) bool {
	last, seen := n.last[m.Record]
	if m.Number == 0 || !seen || last.assumed || m.Run != last.run || m.Number > last.number {
		return false
	}
	n.repeated++
	return true
}

// observe takes the next message and returns the loss of values of the same record
// just before it. The result is certain if the reader has received a message of the
// record in the same run, or if the run began after the start of reading.
func (n *recordGaps) observe(m *Message) (lost *loss.Loss, certain bool) {
	covers := uint64(1)
	if m.Loss != nil {
		covers = m.Loss.Count
	}
	if m.Number == 0 || m.Number < covers {
		return nil, true // written by another client
	}
	first := m.Number - covers + 1
	last, seen := n.last[m.Record]
	if !seen {
		last = &lastNumber{}
		n.last[strings.Clone(m.Record)] = last
	}
	before, since := uint64(0), int64(0)
	switch {
	case seen && !last.assumed && m.Run < last.run:
		return nil, true // the end of a run that wrote on after the next one had begun
	case seen && last.run == m.Run:
		before, since = last.number, last.time
		certain = !last.assumed || first > before
	default:
		certain = m.Run >= n.start
	}
	*last = lastNumber{run: m.Run, number: m.Number, time: m.Time}
	if !certain || first <= before+1 {
		return nil, certain
	}
	return &loss.Loss{
		Record: m.Record, Cause: loss.LogDiscarded, Count: first - before - 1,
		From: before + 1, To: first - 1, FirstTime: since, LastTime: m.Time,
	}, true
}

// assumeRead records the last number of each record at the start of reading. Higher
// numbers must arrive.
func (n *recordGaps) assumeRead(r *Republisher, pattern key.Pattern) {
	w := r.writer.Load()
	if w == nil {
		return
	}
	r.records.each(func(s *loggedRecord) {
		if pattern.Match(s.record.Key()) {
			n.last[s.record.Key()] = &lastNumber{run: w.runStart.Load(), number: s.lastNumber.Load() - s.offset.Load(), assumed: true}
		}
	})
}
