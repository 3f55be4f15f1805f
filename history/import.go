package history

import (
	"bytes"
	"encoding/json"
)

// ImportReport counts the rows of an import.
type ImportReport struct {
	// Added rows are new, Skipped ones existed already.
	Added   int64 `json:"added"`
	Skipped int64 `json:"skipped"`
}

// Occurrences counts identical neighbours among the rows of an import: those of one
// record, time and value, white space aside. It remembers the rows of the latest time of
// each record. The zero value is ready.
type Occurrences struct {
	latest map[string]*sameTime
}

// sameTime counts the rows of one record and time by their values.
type sameTime struct {
	time   int64
	counts map[string]int
}

// Nth counts a row and returns its ordinal among identical rows, from 1.
func (o *Occurrences) Nth(row Row) int {
	if o.latest == nil {
		o.latest = map[string]*sameTime{}
	}
	at := o.latest[row.Record]
	if at == nil || at.time != row.Time {
		at = &sameTime{time: row.Time, counts: map[string]int{}}
		o.latest[row.Record] = at
	}
	value := CompactJSON(row.Value)
	at.counts[value]++
	return at.counts[value]
}

// CompactJSON drops white space from JSON. What is not JSON, such as a row of another
// program, is returned as it is.
func CompactJSON(value []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		return string(value)
	}
	return b.String()
}
