package history

import (
	"context"
	"encoding/json"
	"iter"
)

// DeadLetter is a value that a store has refused for good.
type DeadLetter struct {
	// ID tells the dead letters of a store apart.
	ID int64 `json:"id"`
	// Record is the key of the record.
	Record string `json:"record"`
	// Sequence is the position of the value in the log.
	Sequence uint64 `json:"sequence"`
	// Time is the time of the write in Unix milliseconds.
	Time int64 `json:"time"`
	// Event is the own time of the value, if the values of its record have such times.
	Event *int64 `json:"event,omitempty"`
	// Value is what was refused, which may be no JSON.
	Value json.RawMessage `json:"value"`
	// Shape is the version of the shape of the value.
	Shape int `json:"shape,omitempty"`
	// Reason is why.
	Reason string `json:"reason"`
}

// DeadLetters is a store that keeps the values it has refused.
type DeadLetters interface {
	// DeadLetters yields them, oldest first.
	DeadLetters(ctx context.Context) iter.Seq2[DeadLetter, error]
	// RetryDeadLetter stores one as a row, if the store takes it now, and takes it out
	// of the dead letters and of the ledger of losses.
	RetryDeadLetter(ctx context.Context, id int64) error
	// DropDeadLetter deletes one. The ledger keeps its loss.
	DropDeadLetter(ctx context.Context, id int64) error
}
