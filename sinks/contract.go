package sinks

import (
	"context"
	"errors"
	"fmt"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
)

// Entry is one value on its way from the log into a sink.
type Entry struct {
	// Sequence is the position of the value in the log.
	Sequence uint64
	// Record is the exact key of the record.
	Record string
	// Time is the time of the write in Unix milliseconds.
	Time int64
	// Value is the JSON of the value. The sink must not keep or change it
	// after Write has returned.
	Value []byte
}

// Refusal is an entry that the sink refuses for good, with the reason. It is
// kept beside the history as a dead letter.
type Refusal struct {
	Entry  Entry
	Reason string
}

// Batch is what a sink commits in one transaction, or not at all.
type Batch struct {
	// Entries are in log order, each above the checkpoint of the batch before.
	Entries []Entry
	Refused []Refusal
	Losses  []loss.Loss
	// Checkpoint is to be stored in the same transaction.
	Checkpoint history.Position
}

// Sink takes batches. It is called by one pump, from one goroutine at a time.
type Sink interface {
	// Name tells sinks of one database apart. It is part of the name of the
	// consumer in the log, and so stays the same for the life of the sink.
	Name() string
	// Checkpoint returns what the last committed batch carried, and the zero
	// value if there was none.
	Checkpoint(ctx context.Context) (history.Position, error)
	// Write commits the batch and its checkpoint, both or neither. When it
	// returns nil, both survive a power loss. A RefusedError says that it is
	// no use to try the same batch again; any other error is taken for an
	// outage, and the same batch comes again. A batch that carries nothing but
	// a checkpoint below the sink's own, of the same log, sets it back: the
	// log has lost its tail, and the sequences behind come again. The values of
	// a record are kept in their order; in which order those of several records
	// lie beside each other is up to the sink.
	Write(ctx context.Context, b *Batch) error
}

// RefusedError says that a sink will never take a batch because of a value in
// it, whichever it is.
type RefusedError struct {
	Reason error
}

// Error implements error.
func (e *RefusedError) Error() string { return fmt.Sprintf("refused for good: %v", e.Reason) }

// Unwrap returns the reason.
func (e *RefusedError) Unwrap() error { return e.Reason }

// Refused reports whether err says that trying again is of no use.
func Refused(err error) bool {
	var refused *RefusedError
	return errors.As(err, &refused)
}
