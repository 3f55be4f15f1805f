package history

// Position is a place in one log. It is also the checkpoint of a sink: everything
// up to Sequence is stored. The zero value is a sink that has stored nothing and
// misses nothing.
type Position struct {
	// Log is the identity of the log. It differs between databases and changes
	// when a log is created again.
	Log string `json:"log"`
	// Sequence is the last sequence that was dealt with; 0 is none.
	Sequence uint64 `json:"sequence"`
	// Message identifies the message that has the sequence, so that the log is
	// recognized by what it holds and not by its name alone. It is zero if it is
	// not known.
	Message Fingerprint `json:"message,omitzero"`
}

// Fingerprint identifies a message of a log.
type Fingerprint struct {
	// Time is when the server stored the message, in Unix nanoseconds.
	Time int64 `json:"time"`
	// Hash is the 64-bit FNV-1a hash of subject and payload.
	Hash uint64 `json:"hash"`
}

// Snapshot is a point at which a history and the log can be cut: the rows up to
// MaxID are exactly what the history holds of the log up to Position.
type Snapshot struct {
	// Identity names the history. A history that was made again has another.
	Identity string `json:"identity"`
	// Position is the checkpoint of the history. It is zero if the history has
	// none.
	Position
	// MaxID is the greatest ID ever assigned. It is -1 if there never was a row,
	// so that it can always be used as RangeQuery.MaxID.
	MaxID int64 `json:"max_id"`
}
