package history

import (
	"math"
	"time"
)

// ClockTolerance is how far apart clocks may be.
const ClockTolerance = 10 * time.Minute

// Keep says what of one record stays when a history is pruned. A limit of 0 is
// no limit; where several are given, a row has to satisfy all of them.
type Keep struct {
	Record string
	// Before is a Unix time in milliseconds; rows written before it go. A row
	// from the future counts as written when a sweep first found it.
	Before int64
	// MaxRows and MaxBytes bound the rows and the bytes of their values. Those
	// stored last stay, whatever their times; imported rows were stored when they
	// were imported.
	MaxRows, MaxBytes int64
	// Forever exempts the record from the limit of the whole history too.
	Forever bool
}

// PrunePlan says what one sweep of retention keeps.
type PrunePlan struct {
	Keep []Keep
	// MaxBytes bounds the history on disk. When more is in use, the rows stored
	// first go, of whichever record that is not kept forever. 0 is no limit.
	MaxBytes int64
	// Now is the time of the plan in Unix milliseconds. Rows that are later by
	// more than ClockTolerance are from the future. 0 is no time: then no rows
	// are.
	Now int64
	// Trusted is a time that is known to have come, at most Now, and Now if the
	// clock is trusted. If it is earlier, a record keeps the rows that would go
	// only because of the time between the two, if they are more than nine tenths
	// of its rows from before Trusted.
	Trusted int64
}

// Future is the time after which rows are from the future.
func (p PrunePlan) Future() int64 {
	if p.Now == 0 {
		return math.MaxInt64
	}
	return p.Now + ClockTolerance.Milliseconds()
}

// Sure is what Before of a record would be if only Trusted had come.
func (p PrunePlan) Sure(k Keep) int64 { return k.Before - (p.Now - p.Trusted) }

// Holds reports whether a record keeps rows that would go only because of the
// clock. They are some of the rows of the record from before Trusted.
func (p PrunePlan) Holds(only, rows int64) bool { return only*10 > rows*9 }

// PruneReport says what a sweep deleted, or would delete.
type PruneReport struct {
	// Records are those that rows go of, by name; it is never nil.
	Records []PrunedRecord `json:"records"`
	Rows    int64          `json:"rows"`
	// Bytes is the size of the values deleted.
	Bytes int64 `json:"bytes"`
	// FreedBytes is by how much the history shrank on disk.
	FreedBytes int64 `json:"freed_bytes"`
	// OverBytes is by how much the history is still above its limit because
	// everything left is to be kept.
	OverBytes int64 `json:"over_bytes"`
	// Held are records that keep rows which would go only because of the clock;
	// it is never nil.
	Held []HeldRecord `json:"held"`
	// Future is the number of rows from the future that an age limit does not
	// remove yet.
	Future int64 `json:"future"`
	// DeletingMS and ShrinkingMS are how long rows were deleted and space was
	// given back, while writes went on.
	DeletingMS  int64 `json:"deleting_ms"`
	ShrinkingMS int64 `json:"shrinking_ms"`
}

// PrunedRecord is the part of one record in a PruneReport.
type PrunedRecord struct {
	Record string `json:"record"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
}

// HeldRecord is a record that keeps rows which would go only because of the
// clock.
type HeldRecord struct {
	Record string `json:"record"`
	Rows   int64  `json:"rows"`
}
