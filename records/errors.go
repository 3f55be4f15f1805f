package records

import (
	"errors"
	"fmt"
	"github.com/aimdb-go/aimdb/loss"
)

// ErrClosed is what reads and waiting writes return after Close.
var ErrClosed = errors.New("records: closed")

// ErrSuperseded is what ProduceLogged returns when a newer value replaced the
// value in a single-latest record or a mailbox before the log read it.
var ErrSuperseded = errors.New("records: a newer value replaced this one before the log read it")

// ErrHasProducer is what Set returns for a record that a stage writes: the next
// value of the stage would replace the one that was set.
var ErrHasProducer = errors.New("records: a stage produces this record")

// LostError is what ProduceLogged returns for a value that was lost between the
// record and the log.
type LostError struct {
	// Record is the key of the record and Number the number of the value.
	Record string
	Number uint64
	Cause  loss.Cause
	// Err is the error that led to the loss, or nil.
	Err error
}

// Error implements error.
func (e *LostError) Error() string {
	s := fmt.Sprintf("record %q: value %d was lost before the log had it: %s", e.Record, e.Number, e.Cause)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns Err.
func (e *LostError) Unwrap() error { return e.Err }

// InvalidError is what the type of a record, or Config.Validate, refuses.
type InvalidError struct {
	// Path is the JSON Pointer of the value inside that is wrong, "" if it is the whole
	// value, or if that is unknown.
	Path string
	// Err says what is wrong.
	Err error
}

// Error implements error. It holds the path.
func (e *InvalidError) Error() string {
	if e.Path == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v (at %s)", e.Err, e.Path)
}

// Unwrap returns Err.
func (e *InvalidError) Unwrap() error { return e.Err }
