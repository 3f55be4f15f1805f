package aimx

import (
	"context"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
)

// RetentionPolicy says how much of the records that match a pattern stays. A limit of 0 is
// no limit.
type RetentionPolicy struct {
	Pattern string `json:"pattern"`
	// MaxAge is in milliseconds.
	MaxAge   int64 `json:"max_age_ms,omitempty"`
	MaxRows  int64 `json:"max_rows,omitempty"`
	MaxBytes int64 `json:"max_bytes,omitempty"`
	// Forever keeps everything.
	Forever bool `json:"forever,omitempty"`
}

// RetentionLimits are all limits of a history.
type RetentionLimits struct {
	Policies []RetentionPolicy `json:"policies"`
	// HistoryBytes bounds the whole history on disk; 0 is no limit.
	HistoryBytes int64 `json:"history_bytes"`
}

// Retention is the answer of retention.list.
type Retention struct {
	RetentionLimits
	// Time is when the answer was made, in Unix milliseconds.
	Time int64 `json:"time_ms"`
	// Every is the time between two sweeps in milliseconds, LastSweep when the last one
	// ended in Unix milliseconds, 0 if there was none.
	Every     int64 `json:"every_ms"`
	LastSweep int64 `json:"last_sweep_ms"`
	// Pruned is what sweeps deleted since the process started.
	Pruned []Pruned `json:"pruned"`
}

// Pruned is what sweeps deleted by one policy since the process started.
type Pruned struct {
	// Pattern is that of the policy. It is empty for the limit of the whole history, on
	// records without a policy.
	Pattern string `json:"pattern"`
	Rows    int64  `json:"rows"`
	// Bytes is the size of the values deleted.
	Bytes int64 `json:"bytes"`
}

// Usage is the answer of history.usage: who fills the disk.
type Usage struct {
	// Records are those with the most bytes, the largest first. Bytes of a record is the
	// size of its values. Records that the client may not read are left out.
	Records []history.RecordStats `json:"records"`
	// Others are the sum of all other records, private ones included.
	Others UsageSum `json:"others"`
	// ValueBytes is the size of all values, Bytes that of the history on disk, of which
	// FreeBytes are free. WALBytes is the size of the write-ahead log beside it.
	ValueBytes int64 `json:"value_bytes"`
	Bytes      int64 `json:"bytes"`
	FreeBytes  int64 `json:"free_bytes"`
	WALBytes   int64 `json:"wal_bytes"`
	// LogBytes is the size of the log.
	LogBytes uint64 `json:"log_bytes"`
	// Pruned is what sweeps deleted on purpose since the process started, without the
	// policies whose records the client may not all read.
	Pruned []Pruned `json:"pruned"`
}

// UsageSum is a sum over records.
type UsageSum struct {
	Records int   `json:"records"`
	Rows    int64 `json:"rows"`
	Bytes   int64 `json:"bytes"`
}

// Usage returns who fills the disk, at most limit records, 100 if it is 0. It reads counts,
// not rows. It belongs to this project's extension.
func (c *Client) Usage(ctx context.Context, limit int) (Usage, error) {
	return ask[Usage](ctx, c, wire.MethodHistoryUsage, wire.UsageParams{Limit: limit})
}

// Retention returns the limits in force. A token must grant reading everything. It belongs
// to this project's extension.
func (c *Client) Retention(ctx context.Context) (Retention, error) {
	return ask[Retention](ctx, c, wire.MethodRetentionList, nil)
}

// TryRetention returns what a sweep would delete now, by the limits in force or by others,
// and deletes nothing. A token must grant reading everything. It belongs to this project's
// extension.
func (c *Client) TryRetention(ctx context.Context, limits *RetentionLimits) (history.PruneReport, error) {
	if limits == nil {
		return ask[history.PruneReport](ctx, c, wire.MethodRetentionTry, nil)
	}
	return ask[history.PruneReport](ctx, c, wire.MethodRetentionTry, limits)
}
