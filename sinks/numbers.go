package sinks

import (
	"cmp"
	"slices"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
)

// LastNumber is the last number of a record that the log has delivered, as a value, a
// refused value or a loss. A sink keeps it for each record, and stores what Follow
// returns. It is not known before the first value of a log, nor after a range of the log
// that is missing.
type LastNumber struct {
	Run, Number uint64
	Known       bool
}

// Follow moves on over the numbers of one record in one batch, and returns the holes:
// numbers that the log has not delivered and nothing has counted. Gaps are those of the
// batch, and after is the sequence that it follows.
func (l *LastNumber) Follow(numbers []Numbers, gaps []uint64, after uint64) (holes []history.Hole) {
	for _, n := range numbers {
		if between(gaps, after, n.Sequence) {
			l.Known = false
		}
		after = n.Sequence
		if hole, found := l.next(n); found {
			holes = append(holes, hole)
		}
	}
	if len(gaps) > 0 && gaps[len(gaps)-1] > after {
		l.Known = false
	}
	return holes
}

// next moves on to the next numbers and returns the hole before them.
func (l *LastNumber) next(n Numbers) (hole history.Hole, found bool) {
	before := uint64(0) // a later run begins with 1
	switch {
	case l.Known && n.Run < l.Run:
		return history.Hole{}, false // the end of a run that wrote on after the next one had begun
	case !l.Known:
		before = n.From - 1
	case n.Run == l.Run:
		before = l.Number
	}
	*l = LastNumber{Run: n.Run, Number: max(n.To, before), Known: true}
	return history.Hole{Record: n.Record, Run: n.Run, From: before + 1, To: n.From - 1, Time: n.Time}, n.From > before+1
}

// After returns the sequence of its log that a batch follows, 0 in another log.
func (b *Batch) After() uint64 {
	if b.Checkpoint.Log != b.Previous.Log {
		return 0
	}
	return b.Previous.Sequence
}

// BeginsAgain reports whether the numbers of a batch say nothing about those before it: it
// is of another log, or it sets the checkpoint back because the log has lost its end.
func (b *Batch) BeginsAgain() bool {
	empty := len(b.Entries)+len(b.Refused)+len(b.Losses) == 0
	return empty && b.Checkpoint.Sequence < b.After() || b.Checkpoint.Log != b.Previous.Log
}

// AppendNumbers appends the numbers that a batch accounts for, by record and in the order
// of the log. Entries are those of the batch, already sorted by record.
func (b *Batch) AppendNumbers(to []Numbers, entries []Entry) []Numbers {
	after := b.After()
	add := func(e *Entry) {
		if e.Number > 0 && e.Sequence > after {
			to = append(to, Numbers{Sequence: e.Sequence, Record: e.Record, Run: e.Run, From: e.Number, To: e.Number, Time: e.Time})
		}
	}
	for i := range entries {
		add(&entries[i])
	}
	for i := range b.Refused {
		add(&b.Refused[i].Entry)
	}
	for _, n := range b.Covered {
		if n.From > 0 && n.Sequence > after {
			to = append(to, n)
		}
	}
	if len(b.Refused)+len(b.Covered) > 0 {
		slices.SortStableFunc(to, func(a, b Numbers) int {
			return cmp.Or(cmp.Compare(a.Record, b.Record), cmp.Compare(a.Sequence, b.Sequence))
		})
	}
	return to
}

// Gaps returns the sorted sequences at which a range of the log is known to be missing. It
// explains what the next number of each record skips.
func (b *Batch) Gaps() (gaps []uint64) {
	after := b.After()
	for _, l := range b.Losses {
		switch l.Cause {
		case loss.LogDiscarded, loss.LogTruncated, loss.LogDamaged:
			if l.Record == "" && l.To > after {
				gaps = append(gaps, l.To)
			}
		}
	}
	slices.Sort(gaps)
	return gaps
}

// between reports whether a number is above from and not above to.
func between(sorted []uint64, from, to uint64) bool {
	i, _ := slices.BinarySearch(sorted, from+1)
	return i < len(sorted) && sorted[i] <= to
}
