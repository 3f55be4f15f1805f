package history

// FileStats describes what only a history in one file has.
type FileStats struct {
	// FreeBytes is the free space inside the file, and WALBytes the size of the
	// write-ahead log beside it.
	FreeBytes int64 `json:"free_bytes"`
	WALBytes  int64 `json:"wal_bytes"`
	// WALStuck reports that the write-ahead log has grown past its limit because
	// a reader keeps it from being checkpointed.
	WALStuck bool `json:"wal_stuck"`
	// Shrinks reports whether the file can give space back while it is in use.
	Shrinks bool `json:"shrinks"`
}
