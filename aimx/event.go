package aimx

import (
	"encoding/json"

	"github.com/aimdb-go/aimdb/loss"
)

// Event is one step of [Client.Follow] or [Follow]. Without Begin, CaughtUp and Cut it is
// a value.
type Event[T any] struct {
	// Record is the key of the record, Time the time of the write in Unix milliseconds.
	Record string
	Time   int64
	Value  T
	// Lost is the number of values of the record that were lost just before this one, on
	// their way to the log.
	Lost uint64
	// Loss is set if a range is missing from the log and from the history, and it is not
	// known which records it belonged to. It comes with the first value after the range.
	Loss *loss.Loss

	// Begin is set when the server has found the start, and each time it falls back.
	Begin *Begin
	// CaughtUp means that what follows is live. It comes once for each Begin.
	CaughtUp bool
	// Cut is why the connection is lost. Follow connects again.
	Cut error

	position string
}

// Position returns the place of the event. [After] continues after it, also in another
// process. It is empty if the connection was cut before the server had found the start.
func (e Event[T]) Position() string { return e.position }

// Begin is where the values of a Follow start.
type Begin struct {
	// Reason is why the log does not reach back to the position, empty if it does. Then
	// the history is sent again from the time From, in Unix milliseconds, and some values
	// come a second time.
	Reason string
	From   int64
}

// Start is where a Follow starts.
type Start struct{ from json.RawMessage }

// FromTime starts with the values that were written at a time, in Unix milliseconds, or
// later. 0 is the beginning of the history.
func FromTime(ms int64) Start {
	raw, _ := json.Marshal(ms) // a number can be encoded
	return Start{raw}
}

// After starts after the event that has a position.
func After(position string) Start {
	raw, _ := json.Marshal(position) // a string can be encoded
	return Start{raw}
}
