package records

import (
	"cmp"
	"github.com/aimdb-go/aimdb/loss"
	"maps"
	"slices"
)

// Metrics are the counters of one record.
type Metrics struct {
	// Produced counts the values written, Consumed the values that all readers
	// read, both since the last reset.
	Produced, Consumed uint64
	// Restored counts the values that were refilled, or 1 for Config.Initial, since
	// the last reset. They are not in Produced and have no number in the log.
	Restored uint64
	// Dropped is the sum of Drops.
	Dropped uint64
	Drops   []Drop
	// Lost is the number of values that Losses counts, LostBy the same by cause.
	Lost   uint64
	LostBy map[loss.Cause]uint64
	// BadTimes counts the values whose Config.EventTime was not usable, since the start.
	// They are stored with the time of their write.
	BadTimes uint64
	// Items is the number of values kept, of at most Capacity.
	Items, Capacity int
	// Unread is the number of values kept that the slowest reader has not read. An
	// on-demand reader does not count.
	Unread int
	// LastWrite is the time of the last write in Unix milliseconds, 0 if there
	// was none or the record keeps no times.
	LastWrite int64
	// Readers is the present number of readers, those of feeds and stages
	// included. Producers and Consumers count the stages that write and read the
	// record.
	Readers, Producers, Consumers int
	// Stages are the stages that write the record, followed by its taps.
	Stages []StageMetrics
	// Signal is nil if the record has no signal, or no value yet.
	Signal *SignalStats
}

// Drop counts values that a reader did not get.
type Drop struct {
	// Reader is the name of the reader, empty for a loss that belongs to none.
	Reader string
	Cause  loss.Cause
	Count  uint64
}

type dropKey struct {
	reader string
	cause  loss.Cause
}

// Bounds of the counters of readers that have closed.
const (
	maxDropNames = 64
	otherReaders = "(others)"
)

// baseline holds the counters at the last reset.
type baseline struct {
	produced, consumed, restored uint64
	drops                        map[dropKey]uint64
}

// Metrics returns the counters of the record.
func (u *Untyped) Metrics() Metrics {
	u.mu.Lock()
	m := Metrics{
		Produced: uint64(u.newest), Consumed: u.consumed, Restored: u.restored, BadTimes: u.badTimes,
		Items: u.kept(), Capacity: u.capacity, Unread: u.mostUnread(), Readers: int(u.readerCount),
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
		m.Restored -= min(u.base.restored, m.Restored) // a refill replaces the initial value
		for key, n := range u.base.drops {
			drops[key] -= min(n, drops[key]) // its reader may have become one of otherReaders
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

// ResetMetrics sets the counters of Metrics and the signal to zero. It does not
// change the numbers of values, Losses and the counters of stages.
func (u *Untyped) ResetMetrics() {
	u.mu.Lock()
	u.base = &baseline{produced: uint64(u.newest), consumed: u.consumed, restored: u.restored, drops: u.allDrops()}
	u.mu.Unlock()
	if u.signal != nil {
		u.signal.reset()
	}
}

// ResetProfiles sets the counters of the stages in Metrics to zero.
func (u *Untyped) ResetProfiles() {
	for _, st := range u.registry.stagesOf(u) {
		st.profile.reset()
	}
}

// mostUnread returns how many values kept the slowest reader has not read.
func (u *Untyped) mostUnread() int {
	most := int64(0)
	for c := u.cursors; c != nil; c = c.older {
		if !c.onDemand {
			most = max(most, u.newest-max(c.read, u.oldest()-1))
		}
	}
	return int(most)
}

// allDrops returns the drops of present and closed readers.
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

// keepDrops adds the drops of a reader that closes to those of the record.
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
