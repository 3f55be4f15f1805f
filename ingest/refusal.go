package ingest

import (
	"context"
	"fmt"
	"sync/atomic"
)

// Cause is why a value was refused.
type Cause uint8

// The causes of a refusal.
const (
	// Denied: the client may not set the record, or nobody may from outside.
	Denied Cause = iota
	// Unknown: there is no such record.
	Unknown
	// Invalid: the record does not take the value.
	Invalid
	// ReadOnly: nothing can be set.
	ReadOnly
	// TooManyRecords: no more records are made for keys from outside.
	TooManyRecords
	// NotLogged: the value was set, and the log does not have it.
	NotLogged
	// NoSpace: the log cannot be written, and the value was not set.
	NoSpace
	// Dropped: more values came than the way in can hold.
	Dropped
	causes
)

// String returns the name of a cause for counters and answers.
func (c Cause) String() string {
	names := [causes]string{"denied", "unknown", "invalid", "read_only", "too_many_records", "not_logged", "no_space", "dropped"}
	if c < causes {
		return names[c]
	}
	return fmt.Sprintf("cause %d", uint8(c))
}

// Forbids reports whether the client cannot set the record at all, whatever the value.
func (c Cause) Forbids() bool {
	return c == Denied || c == Unknown || c == ReadOnly || c == TooManyRecords
}

// Refusal is the error for a value that was refused.
type Refusal struct {
	Cause Cause
	// Record is the key as the client gave it.
	Record string
	// Path is the JSON Pointer of what is wrong in the value, "" if it is the whole value.
	Path string
	// Reason says what is wrong, with the record and the path.
	Reason string
	// Err is the error of the log that cannot be written, nil for another refusal.
	Err error
}

// Unwrap returns Err.
func (r *Refusal) Unwrap() error { return r.Err }

// Error implements error.
func (r *Refusal) Error() string { return r.Reason }

// Counts are what a Writer took and refused so far.
type Counts struct {
	// Accepted counts the values that were set.
	Accepted uint64 `json:"accepted"`
	// Refused counts the others by the name of the cause. Those that are not_logged are
	// also accepted.
	Refused map[string]uint64 `json:"refused,omitempty"`
}

// shared is what all ways in have in common.
type shared struct {
	// ended is a context that has ended, for a set that does not wait.
	ended    context.Context
	recent   recent
	accepted atomic.Uint64
	refused  [causes]atomic.Uint64
}

// Refuse counts a value that a way in refuses itself, for a name that cannot be a key, for
// example, and returns the refusal.
func (w *Writer) Refuse(cause Cause, record, reason string) *Refusal {
	r := &Refusal{Cause: cause, Record: record, Reason: reason}
	w.count(r)
	return r
}

// Drop counts values that a way in could not hold.
func (w *Writer) Drop(n uint64) { w.shared.refused[Dropped].Add(n) }

// Counts returns what was accepted and refused so far.
func (w *Writer) Counts() Counts {
	c := Counts{Accepted: w.shared.accepted.Load()}
	for cause := range causes {
		if n := w.shared.refused[cause].Load(); n > 0 {
			if c.Refused == nil {
				c.Refused = make(map[string]uint64)
			}
			c.Refused[cause.String()] = n
		}
	}
	return c
}
