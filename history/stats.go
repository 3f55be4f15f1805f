package history

// Stats describes a whole history.
type Stats struct {
	// Identity tells histories apart.
	Identity string `json:"identity"`
	// Records are those that have rows, by name; it is never nil.
	Records []RecordStats `json:"records"`
	Rows    int64         `json:"rows"`
	// Bytes is the size of the history on disk.
	Bytes int64 `json:"bytes"`
	// LastPrune is when the last sweep ended, Unix ms; 0 is never.
	LastPrune int64 `json:"last_prune"`
	// Lost is the number of values in the ledger of losses, DeadLetters the
	// number of refused ones that were kept aside.
	Lost        uint64 `json:"lost"`
	DeadLetters int64  `json:"dead_letters"`
}

// Totals are the sums of a history that cost little to read, however many rows there are.
type Totals struct {
	// Rows is the number of rows and ValueBytes the size of their values, as of the last
	// time that they were counted.
	Rows       int64 `json:"rows"`
	ValueBytes int64 `json:"value_bytes"`
	// Bytes is the size of the history on disk, FreeBytes the part of it that holds nothing
	// and that later rows take, and WALBytes the size of the write-ahead log beside it. A
	// kind of history that does not tell has 0.
	Bytes     int64 `json:"bytes"`
	FreeBytes int64 `json:"free_bytes"`
	WALBytes  int64 `json:"wal_bytes"`
	// LastPrune, Lost and DeadLetters are as in Stats.
	LastPrune   int64  `json:"last_prune"`
	Lost        uint64 `json:"lost"`
	DeadLetters int64  `json:"dead_letters"`
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
