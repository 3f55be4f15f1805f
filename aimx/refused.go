package aimx

import (
	"context"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// Refusals is the answer of ingest.refused: how many values from outside were set and
// refused since the process started, by all ways in.
type Refusals struct {
	Accepted uint64 `json:"accepted"`
	// Refused has the number of refused values by cause: see package ingest.
	Refused map[string]uint64 `json:"refused"`
	// Last are the last refusals, the newest first, 64 at most. Those of records that the
	// client may not read are left out.
	Last []RefusedValue `json:"last"`
}

// RefusedValue is a value that was refused. The value itself is not kept.
type RefusedValue struct {
	// Time is in Unix milliseconds.
	Time int64 `json:"time"`
	// Via is the way in: aimx, http, mqtt or nats.
	Via    string `json:"via"`
	Record string `json:"record"`
	Cause  string `json:"cause"`
	// Path is the JSON Pointer of what is wrong, "" if it is the value as a whole.
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Refused returns what was refused of the values from outside. It belongs to this
// project's extension: a server of upstream refuses it with CodeNotFound.
func (c *Client) Refused(ctx context.Context) (all Refusals, err error) {
	raw, err := c.call(ctx, wire.MethodIngestRefused, "", nil)
	if err != nil {
		return all, err
	}
	return all, c.decode(wire.MethodIngestRefused, raw, &all)
}
