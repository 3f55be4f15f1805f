package history

// HistoryStats describes a whole history.
type Stats struct {
	// Identity tells databases apart.
	Identity string        `json:"identity"`
	Records  []RecordStats `json:"records"`
	Rows     int64         `json:"rows"`
	// FileBytes is the size of the database, FreeBytes what of it is free
	// space inside, and WALBytes the size of the write-ahead log beside it.
	FileBytes int64 `json:"file_bytes"`
	FreeBytes int64 `json:"free_bytes"`
	WALBytes  int64 `json:"wal_bytes"`
	// WALStuck says that a reader has kept the write-ahead log from being
	// taken over, and that it has grown past its limit.
	WALStuck bool `json:"wal_stuck"`
	// LastPrune is when the last sweep ended, Unix ms; 0 is never.
	LastPrune int64 `json:"last_prune"`
	// Lost is the number of values in the ledger of losses, DeadLetters the
	// number of refused ones that were kept aside.
	Lost        uint64 `json:"lost"`
	DeadLetters int64  `json:"dead_letters"`
	// Shrinks says whether the file can give space back step by step.
	Shrinks bool `json:"shrinks"`
}

// RecordStats describes the history of one record.
type RecordStats struct {
	Record string `json:"record"`
	Rows   int64  `json:"rows"`
	// Bytes is the size of the values.
	Bytes int64 `json:"bytes"`
	// FirstTime and LastTime are the oldest and the newest write time, Unix ms.
	FirstTime int64 `json:"first_time"`
	LastTime  int64 `json:"last_time"`
}
