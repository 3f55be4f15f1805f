package aimx

import (
	"context"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
)

// MigrateProgress says how far the migration of a history is.
type MigrateProgress struct {
	Running bool `json:"running"`
	// Rewritten is the number of rows that it has rewritten.
	Rewritten int64 `json:"rewritten"`
}

// HistoryMigrate has the server's database rewrite the rows of older shapes, with the
// migrations that its program has declared. A token must grant writing everything. When
// it is interrupted, or takes longer than the server allows, call it again.
func (c *Client) HistoryMigrate(ctx context.Context) (report history.MigrateReport, err error) {
	raw, err := c.call(ctx, wire.MethodHistoryMigrate, "", nil)
	if err != nil {
		return report, err
	}
	return report, c.decode(wire.MethodHistoryMigrate, raw, &report)
}

// HistoryMigrateProgress says how far the migration is that runs, whoever has started it.
func (c *Client) HistoryMigrateProgress(ctx context.Context) (p MigrateProgress, err error) {
	raw, err := c.call(ctx, wire.MethodHistoryMigrate, "", wire.MigrateParams{Progress: true})
	if err != nil {
		return p, err
	}
	return p, c.decode(wire.MethodHistoryMigrate, raw, &p)
}
