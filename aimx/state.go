package aimx

import (
	"context"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// DatabaseState is the answer of stats: how the parts of a database go. All times are in Unix
// milliseconds, 0 if there is none.
type DatabaseState struct {
	// Time is that of the answer by the clock of the server.
	Time  int64       `json:"time_ms"`
	Log   LogState    `json:"log"`
	Sinks []SinkState `json:"sinks"`
	// History is nil without a history.
	History *HistoryState `json:"history,omitempty"`
}

// LogState is the state of the log.
type LogState struct {
	// State is "ok", or what the log waits for, since FailingSince.
	State        string `json:"state"`
	FailingSince int64  `json:"failing_since_ms"`
	// First and Last are its first and last sequence, Oldest the time of the first.
	First  uint64 `json:"first_sequence"`
	Last   uint64 `json:"last_sequence"`
	Oldest int64  `json:"oldest_ms"`
	// Messages and Bytes are its size. It discards the oldest messages at MaxBytes and
	// at MaxAge, in milliseconds.
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"`
	MaxBytes int64  `json:"max_bytes"`
	MaxAge   int64  `json:"max_age_ms"`
	// Published counts messages logged, Refused values that were too large, and Retries
	// attempts after a failure, since the process started. Underway await an answer.
	Published uint64 `json:"published"`
	Underway  uint64 `json:"underway"`
	Refused   uint64 `json:"refused"`
	Retries   uint64 `json:"retries"`
}

// SinkState is the state of a sink.
type SinkState struct {
	SinkInfo
	// FailingSince is when it began to fail, with State as the reason.
	FailingSince int64 `json:"failing_since_ms"`
	// Batches and Values count what it has committed since the process started.
	Batches uint64 `json:"batches"`
	Values  uint64 `json:"values"`
	// LagMessages is the number of messages that it has not stored, and LagSeconds the
	// age of the oldest of them in the log.
	LagMessages uint64  `json:"lag_messages"`
	LagSeconds  float64 `json:"lag_seconds"`
}

// HistoryState is the state of the history as a whole, private records included. It is
// read every few seconds only, at Time.
type HistoryState struct {
	Time    int64 `json:"time_ms"`
	Records int   `json:"records"`
	Rows    int64 `json:"rows"`
	// Bytes is its size on disk, of which FreeBytes are free inside the file. WALBytes is
	// the size of the write-ahead log beside it, WALStuck that a reader makes it grow.
	Bytes     int64 `json:"bytes"`
	FreeBytes int64 `json:"free_bytes"`
	WALBytes  int64 `json:"wal_bytes"`
	WALStuck  bool  `json:"wal_stuck"`
	// Oldest and Newest are the write times of the oldest and the newest row.
	Oldest int64 `json:"oldest_ms"`
	Newest int64 `json:"newest_ms"`
	// LastPrune is when the last sweep of the retention ended.
	LastPrune int64 `json:"last_prune_ms"`
	// Lost is the number of values in the ledger of losses.
	Lost        uint64 `json:"lost"`
	DeadLetters int64  `json:"dead_letters"`
}

// DatabaseState returns the state of log, sinks and history. It belongs to this project's
// extension: a server of upstream refuses it with CodeNotFound.
func (c *Client) DatabaseState(ctx context.Context) (DatabaseState, error) {
	return ask[DatabaseState](ctx, c, wire.MethodStats, nil)
}

// ask calls a method and decodes its answer.
func ask[T any](ctx context.Context, c *Client, method string, params any) (answer T, err error) {
	raw, err := c.call(ctx, method, "", params)
	if err != nil {
		return answer, err
	}
	return answer, c.decode(method, raw, &answer)
}
