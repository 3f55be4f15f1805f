package aimx

import (
	"context"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// SinkInfo is one row of sink.list: how far one sink of a database is.
type SinkInfo struct {
	// Name is the name of the sink.
	Name string `json:"name"`
	// State is "ok", or says what the sink waits for.
	State string `json:"state"`
	// Sequence is the last sequence of the log that the sink has committed.
	Sequence uint64 `json:"sequence"`
	// Lost counts values that the sink did not get, Refused the values that it
	// refused for good, and Retries its attempts to write a batch again. All
	// count since the process started.
	Lost    uint64 `json:"lost"`
	Refused uint64 `json:"refused"`
	Retries uint64 `json:"retries"`
	// LastCommit is the time of the last commit in Unix milliseconds, 0 if there
	// was none.
	LastCommit int64 `json:"last_commit_ms"`
}

// Sinks returns the sinks of the server's database. It belongs to this project's
// extension: a server of upstream refuses it with CodeNotFound.
func (c *Client) Sinks(ctx context.Context) ([]SinkInfo, error) {
	return list[SinkInfo](ctx, c, wire.MethodSinkList)
}
