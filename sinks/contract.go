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
	// Run and Number are the run of the process that has written the value, and the
	// number of the value in its record within that run, from 1. Number is 0 if the
	// message carries none.
	Run, Number uint64
	// Time is the time of the write in Unix milliseconds.
	Time int64
	// Timed says that the values of the record have times of their own. Event is that of
	// this value in Unix milliseconds, and Time if it has none. A sink stores the value
	// under RowTime, and ages it by Time.
	Timed bool
	Event int64
	// Value is the JSON of the value, and Shape the version of its shape, which a sink
	// keeps with it: how many migrations the record had when the value was written.
	Value []byte
	Shape int
}

// RowTime returns the time under which a sink stores the value: its own if the record has
// such times, and that of the write otherwise.
func (e *Entry) RowTime() int64 {
	if e.Timed {
		return e.Event
	}
	return e.Time
}

// Refusal is an entry that the sink refuses for good, with the reason. It is
// kept beside the history as a dead letter.
type Refusal struct {
	Entry  Entry
	Reason string
}

// Numbers are consecutive numbers of values of one record in one run of the process.
type Numbers struct {
	// Sequence is the position in the log at which a message accounts for them.
	Sequence uint64
	Record   string
	Run      uint64
	From, To uint64
	// Time is the time of the write after or at which they were lost.
	Time int64
}

// Batch is what a sink commits in one transaction, or not at all.
type Batch struct {
	// Entries are in log order, each above the checkpoint of the batch before.
	Entries []Entry
	Refused []Refusal
	Losses  []loss.Loss
	// Covered are the numbers that come in no entry because Losses count them.
	Covered []Numbers
	// Previous is the checkpoint that the batch follows.
	Previous history.Position
	// Checkpoint is to be stored in the same transaction.
	Checkpoint history.Position
}

// Sink takes batches. It is called by one pump, from one goroutine at a time.
type Sink interface {
	// Name tells sinks of one database apart. It is part of the name of the
	// consumer in the log, and so stays the same for the life of the sink.
	Name() string
	// Checkpoint returns the checkpoint of the last batch that was stored, and the
	// zero value if there was none.
	Checkpoint(ctx context.Context) (history.Position, error)
	// Write stores a batch. Every sink keeps these rules:
	//
	//  1. Entries, refusals, losses and the checkpoint are stored together or not
	//     at all, whatever happens meanwhile. An ended context changes nothing of
	//     that.
	//  2. When Write returns nil, all of them survive a power loss.
	//  3. The entries of a record keep their order. How the entries of several
	//     records lie beside each other is up to the sink.
	//  4. After Write has returned, the sink neither reads nor changes the batch.
	//  5. A RefusedError says that the sink will never take the batch because of
	//     some of its entries. It names all of them, with the reason of each, if
	//     the sink knows them: the pump makes them dead letters and writes the
	//     rest again. If it names none, the pump halves the batch until one entry
	//     is left.
	//  6. Any other error is an outage. The pump writes the same batch again,
	//     unless Checkpoint shows that it was stored after all.
	//  7. A batch without entries, refusals and losses only moves the checkpoint,
	//     to any position. One further back in the same log means that the log
	//     lost its tail: the sequences after it come again with other values,
	//     which are stored like any others. The zero position means that the log
	//     is over and the sink has all of it.
	//  8. If the sink's checkpoint is not at the log and sequence of Batch.Previous,
	//     the sink stores nothing and returns ErrCheckpointMoved: another process
	//     has written meanwhile. Comparison and change are one step, in the
	//     transaction of the batch, so that of two processes only one succeeds.
	Write(ctx context.Context, b *Batch) error
}

// ErrCheckpointMoved is the error of Write for a batch that does not follow the
// checkpoint of the sink. Reading begins again at the checkpoint.
var ErrCheckpointMoved = errors.New("the checkpoint of the sink was changed by another process")

// CheckPrevious returns ErrCheckpointMoved if a batch does not follow the checkpoint
// that a sink has.
func CheckPrevious(b *Batch, have history.Position) error {
	if have.Log == b.Previous.Log && have.Sequence == b.Previous.Sequence {
		return nil
	}
	return fmt.Errorf("%w: it is %d of log %q, and the batch follows %d of log %q",
		ErrCheckpointMoved, have.Sequence, have.Log, b.Previous.Sequence, b.Previous.Log)
}

// Replaceable is a Sink whose checkpoint can change without a Write, because what
// it writes to can be replaced under it: a file by a backup, for example. Writes
// fail then until Checkpoint was called.
type Replaceable interface {
	Sink
	// Replaced returns a channel that is closed when that happens next.
	Replaced() <-chan struct{}
}

// RefusedError says that a sink will never take a batch because of some of its
// entries.
type RefusedError struct {
	// Reason says why.
	Reason error
	// Entries are the refused ones by their index in Batch.Entries, with the
	// reason of each. It is empty if the sink does not know which they are.
	Entries map[int]error
}

// Error implements error.
func (e *RefusedError) Error() string { return fmt.Sprintf("refused for good: %v", e.Reason) }

// Unwrap returns the reason.
func (e *RefusedError) Unwrap() error { return e.Reason }

// Refuse returns a RefusedError for the entries of a batch that a function gives
// a reason to refuse, and nil if there are none.
func Refuse(b *Batch, reason func(Entry) error) error {
	var refused *RefusedError
	for i, e := range b.Entries {
		err := reason(e)
		if err == nil {
			continue
		}
		if refused == nil {
			refused = &RefusedError{Reason: err, Entries: map[int]error{}}
		}
		refused.Entries[i] = err
	}
	if refused == nil {
		return nil
	}
	return refused
}

// Refused reports whether err says that trying again is of no use.
func Refused(err error) bool {
	var refused *RefusedError
	return errors.As(err, &refused)
}
