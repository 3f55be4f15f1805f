package records

import (
	"errors"
	"fmt"
	"github.com/aimdb-go/aimdb/loss"
)

// ErrClosed is what readers and waiting producers get after Close.
var ErrClosed = errors.New("records: closed")

// ErrSuperseded is what ProduceLogged returns when a newer value took the place
// of the value in a single-latest record or a mailbox before the log read it.
var ErrSuperseded = errors.New("records: a newer value took the place before the log read this one")

// ErrHasProducer is what Set returns for a record that a stage writes to: the
// value set would only stay until the next one of the stage.
var ErrHasProducer = errors.New("records: a stage produces this record")

// LostError is what ProduceLogged returns for a value that was lost between the
// record and the log.
type LostError struct {
	// Record is the key of the record and Number the number of the value.
	Record string
	Number uint64
	Cause  loss.Cause
	// Err tells more, if there is more to tell.
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

// Unwrap returns what more there is to tell.
func (e *LostError) Unwrap() error { return e.Err }
