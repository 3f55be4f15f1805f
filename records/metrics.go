package records

import (
	"cmp"
	"github.com/aimdb-go/aimdb/loss"
	"maps"
	"slices"
)

// Metrics is the state of one record's counters. They are always on.
type Metrics struct {
	// Produced counts values produced, Consumed values handed to readers of
	// all kinds, both since the last reset.
	Produced, Consumed uint64
	// Dropped is the sum of Drops.
	Dropped uint64
	Drops   []Drop
	// Lost is the number of values in the ledger of Losses, LostBy that of each
	// cause.
	Lost   uint64
	LostBy map[loss.Cause]uint64
	// Items is the number of values kept, of at most Capacity.
	Items, Capacity int
	// LastWrite is the time of the last write in Unix milliseconds, 0 if there
	// was none or the record takes no write times.
	LastWrite int64
	// Readers is the number of readers now, of all kinds; Producers and
	// Consumers are the stages that write to and read from the record.
	Readers, Producers, Consumers int
	// Stages are the stages that make this record's values, and then the taps
	// that read them.
	Stages []StageMetrics
	// Signal is nil if the record names no number.
	Signal *SignalStats
}

// Drop is a number of values that a reader did not get.
type Drop struct {
	// Reader is the name of the reader, empty if it was nobody's turn.
	Reader string
	Cause  loss.Cause
	Count  uint64
}

type dropKey struct {
	reader string
	cause  loss.Cause
}

// Bounds of what is kept of readers that have left.
const (
	maxDropNames = 64
	otherReaders = "(others)"
)

// baseline holds the counters at the last reset.
type baseline struct {
	produced, consumed uint64
	drops              map[dropKey]uint64
}

// Metrics returns the counters of the record.
func (u *Untyped) Metrics() Metrics {
	u.mu.Lock()
	m := Metrics{
		Produced: uint64(u.newest), Consumed: u.consumed,
		Items: u.kept(), Capacity: u.capacity, Readers: int(u.readerCount),
	}
	if u.kept() > 0 {
		m.LastWrite = u.time(u.slot(u.newest))
	}
	if u.ledger != nil {
		m.Lost, m.LostBy = u.ledger.total, maps.Clone(u.ledger.causes)
	}
	drops := u.allDrops()
	if u.base != nil {
		m.Produced -= u.base.produced
		m.Consumed -= u.base.consumed
		for key, n := range u.base.drops {
			drops[key] -= min(n, drops[key]) // its reader may count among the others by now
		}
	}
	u.mu.Unlock()
	m.Drops = sortedDrops(drops)
	for _, d := range m.Drops {
		m.Dropped += d.Count
	}
	if u.signal != nil {
		m.Signal = u.signal.stats()
	}
	u.registry.addStages(u, &m)
	return m
}

// ResetMetrics sets the counters of Metrics and the signal to zero. The numbers
// of values, the ledger and the profiles of stages stay as they are.
func (u *Untyped) ResetMetrics() {
	u.mu.Lock()
	u.base = &baseline{produced: uint64(u.newest), consumed: u.consumed, drops: u.allDrops()}
	u.mu.Unlock()
	if u.signal != nil {
		u.signal.reset()
	}
}

// ResetProfiles sets the profiles of the stages of this record to zero.
func (u *Untyped) ResetProfiles() {
	for _, st := range u.registry.stagesOf(u) {
		st.profile.reset()
	}
}

// allDrops sums up what readers of now and before did not get.
func (u *Untyped) allDrops() map[dropKey]uint64 {
	drops := make(map[dropKey]uint64)
	for key, n := range u.drops {
		drops[key] += n
	}
	for c := u.cursors; c != nil; c = c.older {
		drops[dropKey{c.name, loss.RingOverrun}] += c.missed
		drops[dropKey{c.name, loss.NotEncodable}] += c.unencodable
	}
	if u.config.Kind == Mailbox {
		drops[dropKey{"", loss.MailboxOverwritten}] += uint64(u.newest) - u.taken - uint64(u.kept())
	}
	return drops
}

func sortedDrops(drops map[dropKey]uint64) []Drop {
	var sorted []Drop
	for key, n := range drops {
		if n > 0 {
			sorted = append(sorted, Drop{key.reader, key.cause, n})
		}
	}
	slices.SortFunc(sorted, func(a, b Drop) int {
		return cmp.Or(cmp.Compare(a.Reader, b.Reader), cmp.Compare(a.Cause, b.Cause))
	})
	return sorted
}

// keepDrops remembers what a reader that leaves has missed.
func (u *Untyped) keepDrops(c *cursor) {
	u.countDrop(dropKey{c.name, loss.RingOverrun}, c.missed)
	u.countDrop(dropKey{c.name, loss.NotEncodable}, c.unencodable)
}

func (u *Untyped) countDrop(key dropKey, n uint64) {
	if n == 0 {
		return
	}
	if u.drops == nil {
		u.drops = make(map[dropKey]uint64)
	}
	if _, known := u.drops[key]; !known && key.reader != "" && len(u.drops) >= maxDropNames {
		key.reader = otherReaders
	}
	u.drops[key] += n
}
