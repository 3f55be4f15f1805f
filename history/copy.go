package history

// Copy describes a copy of a history that was read whole after it was made.
type Copy struct {
	// Position is the last place in the log that the copy has.
	Position Position `json:"position"`
	// Rows is the number of rows, and Bytes the size of the file.
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
}
