package history

import (
	"encoding/json"

	"github.com/aimdb-go/aimdb/key"
)

// Row is one stored value of one record.
type Row struct {
	// ID grows with every row of one history and is never used again. It is 0
	// where it is not known, as in answers of a remote history.
	ID int64 `json:"id,omitempty"`
	// Record is the key of the record in the spelling it was registered with.
	Record string `json:"record"`
	// Time is the time of the write in Unix milliseconds, or the own time of the value if
	// the values of the record have such times.
	Time int64 `json:"time"`
	// Stored is the time of the write of a value that has Time of its own, where it is
	// told: in exports, in what an import takes, and in rows of PostgreSQL. It is 0 otherwise.
	Stored int64 `json:"stored,omitempty"`
	// Value is the JSON of the value.
	Value json.RawMessage `json:"value"`
	// Shape is the version of the shape of the value: how many migrations the record
	// had when the value was written.
	Shape int `json:"shape,omitempty"`
	// Err is why the value could not be brought to the shape that the program of the
	// record has. Value is nil then.
	Err error `json:"-"`
}

// Point returns the place of the row in the order of a range.
func (r Row) Point() Point { return Point{Time: r.Time, ID: r.ID} }

// Point is a place in the order of a range: by time, then by ID.
type Point struct {
	Time int64 `json:"time"`
	ID   int64 `json:"id"`
}

// Before reports whether p comes before q in ascending order.
func (p Point) Before(q Point) bool { return p.Time < q.Time || p.Time == q.Time && p.ID < q.ID }

// Order says which of two rows of a record is newer.
type Order uint8

// The orders of a LatestQuery.
const (
	// ByTime orders rows by the time of the write, and rows of one millisecond
	// by their storing. It is the default.
	ByTime Order = iota
	// ByStoring orders rows as they were stored. It differs from ByTime where
	// the clock was set back: the rows from after that come first, whatever their
	// times. Imported rows count by their times.
	ByStoring
)

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
	// By says which rows are the newest. The window is open with ByStoring.
	By Order
}

// RangeQuery asks for the rows of a span of time. Rows come by time, and rows
// of one millisecond in the order they were stored, or in the reverse of that
// order.
type RangeQuery struct {
	Pattern    key.Pattern
	Window     Window
	Descending bool
	// PerRecord and Total limit the rows; 0 is no limit.
	PerRecord, Total int
	// After, if not nil, is a place in the order of the query: the answer begins
	// with the row that follows it.
	After *Point
	// StoredSince leaves out rows that were written before it, in Unix milliseconds; nil
	// leaves out none. Rows whose Time is the time of the write are compared with it. Of
	// values with times of their own, the answer may begin with some that were written
	// before.
	StoredSince *int64
	// MaxID is the last row that the query can see: later rows are left out. 0
	// is the last row there is when the query begins.
	MaxID int64
}
