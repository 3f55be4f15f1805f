package history

// Keep says what of one record stays when a history is pruned. A limit of 0 is
// no limit; where several are given, a row has to satisfy all of them.
type Keep struct {
	Record string
	// Before is a Unix time in milliseconds; rows written before it go.
	Before int64
	// MaxRows and MaxBytes bound the rows and the bytes of their values. Those
	// stored last stay, whatever their times; imported rows were stored when they
	// were imported.
	MaxRows, MaxBytes int64
	// Forever exempts the record from the limit of the whole history too.
	Forever bool
}

// PrunePlan is what one sweep of retention shall bring about.
type PrunePlan struct {
	Keep []Keep
	// MaxBytes bounds the history on disk. When more is in use, the rows stored
	// first go, of whichever record that is not kept forever. 0 is no limit.
	MaxBytes int64
}

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
	OverBytes int64 `json:"over_bytes,omitempty"`
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
