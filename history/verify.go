package history

import (
	"context"
	"iter"
)

// Verification is what a store found when it compared the rows that it holds with
// those that it has stored. The zero value of each list means that nothing is wrong.
type Verification struct {
	// Position is the checkpoint: what the history has of the log ends there.
	Position Position `json:"position"`
	// Records are the records that have rows, by name.
	Records []VerifiedRecord `json:"records"`
	// Damaged are rows that are missing or differ from what was stored, by ID.
	Damaged []DamagedRows `json:"damaged"`
	// Holes are numbers that were neither stored nor counted as lost.
	Holes []Hole `json:"holes"`
	// Problems are sentences of the store's own check of its file.
	Problems []string `json:"problems"`
}

// VerifiedRecord is how many rows of a record there are.
type VerifiedRecord struct {
	Record string `json:"record"`
	Rows   int64  `json:"rows"`
	// Unchecked is the number of rows that have no checksum: other programs or
	// older versions have written them.
	Unchecked int64 `json:"unchecked"`
}

// DamagedRows are consecutive rows that are missing, or that differ from what was
// stored.
type DamagedRows struct {
	// From and To are the first and the last ID.
	From int64 `json:"from"`
	To   int64 `json:"to"`
	// Missing says that there are no such rows any more. Otherwise they are there,
	// and differ.
	Missing bool `json:"missing"`
	// Record is the name that the rows have now. It may be what is damaged, and is
	// empty for missing rows.
	Record string `json:"record,omitempty"`
}

// Hole is a range of numbers of a record that the log never delivered.
type Hole struct {
	Record string `json:"record"`
	// Run is the run of the process whose numbers From and To are.
	Run  uint64 `json:"run"`
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	// Time is the write time of the first value after the hole, in Unix
	// milliseconds.
	Time int64 `json:"time"`
}

// Repaired is what a repair has done.
type Repaired struct {
	// Restored is the number of rows that were read from the log again.
	Restored int64 `json:"restored"`
	// Lost is the number of rows that the log does not hold either. They are in the
	// ledger with the cause history_damaged, and what was left of them is among the
	// dead letters.
	Lost int64 `json:"lost"`
	// Aside is the path of the old file, if its structure was damaged and what can be
	// read of it was copied into a new one. It is empty otherwise.
	Aside string `json:"aside,omitempty"`
}

// Verifier is a history that can prove that it holds what it has stored.
type Verifier interface {
	// Verify reads the whole history and changes nothing. Reads and writes go on
	// meanwhile; rows that are stored or pruned after it began are no problem.
	Verify(ctx context.Context) (Verification, error)
	// Repair stores rows again that Verify found damaged, as far as the log still
	// holds them. It gets them from read, which yields the values of a range of the
	// log, both ends included, that can still be read. What cannot be restored is
	// counted as lost.
	Repair(ctx context.Context, read func(ctx context.Context, from, to uint64) iter.Seq2[Row, error]) (Repaired, error)
}
