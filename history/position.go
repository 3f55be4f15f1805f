package history

// Position is a place in one log. It is also the checkpoint of a sink, which has
// stored everything up to Sequence. The zero value is the checkpoint of a sink
// that has stored nothing and misses nothing.
type Position struct {
	// Log is the identity of the log. It differs between databases and changes
	// when a log is created again.
	Log string `json:"log"`
	// Sequence is the last one that was stored or counted as lost; 0 is none.
	Sequence uint64 `json:"sequence"`
}

// Snapshot is a point at which a history and the log can be cut: the rows up to
// MaxID are exactly what the history holds of the log up to Position.
type Snapshot struct {
	// Identity names the history. A history that was created again has another.
	Identity string `json:"identity"`
	// Position is the checkpoint of the history. It is zero if the history has
	// none.
	Position
	// MaxID is the greatest ID ever assigned. It is -1 if there never was a row,
	// so that it can always be used as RangeQuery.MaxID.
	MaxID int64 `json:"max_id"`
}
