package aimx

import (
	"context"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/loss"
)

// LossPage is the answer of loss.list.
type LossPage struct {
	// Losses are the ledgers of the sinks, oldest first.
	Losses []ListedLoss `json:"losses"`
	// Causes are the sums over all pages. They are absent from pages after the first.
	Causes []LossSum `json:"causes,omitempty"`
	// Records are the values lost in memory before the log by record and cause since the
	// process started. They are absent from pages after the first.
	Records []RecordLoss `json:"records,omitempty"`
	// Hidden is the number of losses of the page of records that the client may not read.
	Hidden int `json:"hidden"`
	// Partial says that a ledger is so long that the sums lack its end.
	Partial bool `json:"partial,omitempty"`
	// Next is the cursor of the following page, empty after the last.
	Next string `json:"next"`
}

// ListedLoss is one loss in the ledger of a sink.
type ListedLoss struct {
	Sink string `json:"sink"`
	loss.Loss
	// Share says that the loss is part of one without a record, and counted there.
	Share bool `json:"share,omitempty"`
}

// LossSum is what a sink lost by one cause.
type LossSum struct {
	Sink  string     `json:"sink"`
	Cause loss.Cause `json:"cause"`
	// Count is the number of values or messages, Entries that of losses in the ledger.
	Count   uint64 `json:"count"`
	Entries int    `json:"entries"`
}

// RecordLoss is what a record lost by one cause.
type RecordLoss struct {
	Record string     `json:"record"`
	Cause  loss.Cause `json:"cause"`
	Count  uint64     `json:"count"`
}

// LetterPage is the answer of deadletter.list.
type LetterPage struct {
	Letters []DeadLetter `json:"letters"`
	// Hidden is the number of dead letters of the page of records that the client may not
	// read.
	Hidden int    `json:"hidden"`
	Next   string `json:"next"`
}

// DeadLetter is a value that a sink has refused for good.
type DeadLetter struct {
	Sink string `json:"sink"`
	// ID tells the dead letters of a sink apart.
	ID       int64  `json:"id"`
	Record   string `json:"record"`
	Sequence uint64 `json:"sequence"`
	// Time is in Unix milliseconds.
	Time   int64  `json:"time"`
	Reason string `json:"reason"`
	// Value is a text, because it may not be JSON. A long one is cut.
	Value string `json:"value"`
	// Bytes is the length of what the sink kept.
	Bytes int `json:"bytes"`
}

// RetriedLetters is the answer of deadletter.retry.
type RetriedLetters struct {
	Stored []int64 `json:"stored"`
	// Failed has the reason by ID.
	Failed []FailedLetter `json:"failed"`
}

// FailedLetter is a dead letter that a sink refused again.
type FailedLetter struct {
	ID     int64  `json:"id"`
	Reason string `json:"reason"`
}

// Losses returns a page of what the ledgers of the sinks have, at most limit losses, as
// many as the server gives if it is 0. The cursor is that of the page before, "" for the
// first. It belongs to this project's extension.
func (c *Client) Losses(ctx context.Context, limit int, cursor string) (LossPage, error) {
	return ask[LossPage](ctx, c, wire.MethodLossList, wire.ListParams{Limit: limit, Cursor: cursor})
}

// DeadLetters returns a page of the values that the sinks have refused for good. It belongs
// to this project's extension.
func (c *Client) DeadLetters(ctx context.Context, limit int, cursor string) (LetterPage, error) {
	return ask[LetterPage](ctx, c, wire.MethodLetterList, wire.ListParams{Limit: limit, Cursor: cursor})
}

// RetryDeadLetters has a sink store dead letters as rows. A token must grant writing
// everything. It belongs to this project's extension.
func (c *Client) RetryDeadLetters(ctx context.Context, sink string, ids ...int64) (RetriedLetters, error) {
	return ask[RetriedLetters](ctx, c, wire.MethodLetterRetry, wire.RetryParams{Sink: sink, IDs: ids})
}
