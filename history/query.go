package history

import (
	"encoding/json"
	"github.com/aimdb-go/aimdb/key"
)

// Row is one stored value of one record, as a history answers with it.
type Row struct {
	// ID grows with every row of one history and is never used again.
	ID int64
	// Record is the key of the record in the spelling it was registered with.
	Record string
	// Time is the time of the write in Unix milliseconds.
	Time int64
	// Value is the JSON of the value.
	Value json.RawMessage
}

// Window is a span of write times in Unix milliseconds, both ends included.
// A nil end is open.
type Window struct {
	Start, End *int64
}

// LatestQuery asks for the newest rows of every record that matches a pattern.
// Rows come by record name, and newest first within a record.
type LatestQuery struct {
	Pattern key.Pattern
	// Limit is the number of rows of each record; it is at least 1.
	Limit  int
	Window Window
}

// RangeQuery asks for the rows of a span of time. Rows come by time, and rows
// of one millisecond in the order they were stored.
type RangeQuery struct {
	Pattern    key.Pattern
	Window     Window
	Descending bool
	// PerRecord and Total limit the rows; 0 is no limit.
	PerRecord, Total int
	// Cursor continues behind the last row of an earlier page; empty starts
	// at the beginning.
	Cursor string
	// MaxID, when not 0, leaves out rows with a greater ID: what was stored
	// after a position was taken.
	MaxID int64
}

// Snapshot is a point at which a history and the log can be cut: the rows up to
// MaxID are exactly what the history holds of the log up to Position.
type Snapshot struct {
	// Position is the checkpoint of the history. It is zero if the history has
	// none.
	Position
	// MaxID is the greatest ID ever assigned. It is -1 if there never was a row,
	// so that it can always be used as RangeQuery.MaxID.
	MaxID int64
}

// QueryError says that a query cannot be answered because of what it asks, so
// that the same query will always fail.
type QueryError struct {
	Reason string
}

// Error implements error.
func (e *QueryError) Error() string { return e.Reason }
