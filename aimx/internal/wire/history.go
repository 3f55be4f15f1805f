package wire

import (
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// Scope has the parameters that history.page and history.buckets share.
type Scope struct {
	Pattern *string `json:"pattern,omitempty"`
	Start   *int64  `json:"start,omitempty"`
	End     *int64  `json:"end,omitempty"`
}

// NewScope returns the parameters for a pattern and a window.
func NewScope(p key.Pattern, w history.Window) Scope {
	text := p.String()
	return Scope{Pattern: &text, Start: w.Start, End: w.End}
}

// MigrateParams are the parameters of history.migrate.
type MigrateParams struct {
	// Progress asks how far the migration is that runs.
	Progress bool `json:"progress,omitempty"`
}

// PageParams are the parameters of history.page.
type PageParams struct {
	Scope
	Descending bool   `json:"descending,omitempty"`
	PerRecord  int    `json:"per_record,omitempty"`
	Limit      int    `json:"limit,omitempty"`
	Cursor     string `json:"cursor,omitempty"`
	MaxID      int64  `json:"max_id,omitempty"`
}

// BucketParams are the parameters of history.buckets.
type BucketParams struct {
	Scope
	Width int64  `json:"width"`
	Path  string `json:"path,omitempty"`
}

// QueryBucket is the parameter bucket of record.query.
type QueryBucket struct {
	Width int64  `json:"width"`
	Path  string `json:"path,omitempty"`
}

// BucketsAnswer is the answer to history.buckets.
type BucketsAnswer struct {
	Buckets []history.Bucket `json:"buckets"`
}
