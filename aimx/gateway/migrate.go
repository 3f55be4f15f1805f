package gateway

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// migrate answers history.migrate. One migration runs at a time; a call waits for the one
// that runs. With "progress" it answers at once how far that one is.
func (s *session) migrate(params []byte) (historyQuery, *refusal) {
	var p wire.MigrateParams
	if refused := parseParams(wire.MethodHistoryMigrate, params, &p); refused != nil {
		return nil, refused
	}
	run := s.server.config.Migrate
	if run == nil {
		return nil, refuse(aimx.CodeInternal, "this server does not migrate its history")
	}
	if reason := s.server.config.ReadOnly; reason != "" {
		return nil, refuse(aimx.CodeDenied, "cannot migrate the history: %s", reason)
	}
	if !s.grants.WritesAll(key.WirePattern("#")) {
		return nil, refuse(aimx.CodeDenied, "the token of this connection does not grant writing all records, which a migration of the history changes")
	}
	if p.Progress {
		return func(context.Context) (json.RawMessage, *refusal) {
			return marshal(aimx.MigrateProgress{Running: len(s.server.migrating) > 0, Rewritten: s.server.rewritten.Load()})
		}, nil
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) {
		select {
		case s.server.migrating <- struct{}{}:
		case <-ctx.Done():
			return nil, s.queryError(ctx, wire.MethodHistoryMigrate, "#", ctx.Err())
		}
		defer func() { <-s.server.migrating }()
		s.server.rewritten.Store(0)
		report, err := run(ctx, s.server.rewritten.Store)
		if err != nil {
			return nil, s.queryError(ctx, wire.MethodHistoryMigrate, "#", err)
		}
		h := s.history()
		report.Records = slices.DeleteFunc(slices.Clone(report.Records), func(r history.MigratedRecord) bool { return h.isPrivate(r.Record) })
		return marshal(report)
	}, nil
}
