package history

// Position is a place in one log. It is also the checkpoint of a sink: everything
// up to Sequence is stored. The zero value is a sink that has stored nothing and
// misses nothing.
type Position struct {
	// Log is the identity of the log. It differs between databases and changes
	// when a log is created again.
	Log string
	// Sequence is the last sequence that was dealt with; 0 is none.
	Sequence uint64
}
