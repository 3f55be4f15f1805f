package gateway

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
)

// retentionList answers retention.list.
func (s *session) retentionList(params []byte) (historyQuery, *refusal) {
	if refused := parseParams(wire.MethodRetentionList, params, &struct{}{}); refused != nil {
		return nil, refused
	}
	if refused := s.refuseUnread(wire.MethodRetentionList); refused != nil {
		return nil, refused
	}
	run := s.server.config.Upkeep.Retention
	if run == nil {
		return nil, refuseUnserved(wire.MethodRetentionList)
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) {
		limits, err := run(ctx)
		if err != nil {
			return nil, s.queryError(ctx, wire.MethodRetentionList, "#", err)
		}
		return marshal(limits)
	}, nil
}

// retentionTry answers retention.try. It waits for one that runs already, since each reads
// what it would delete.
func (s *session) retentionTry(params []byte) (historyQuery, *refusal) {
	limits, refused := parseLimits(params)
	if refused != nil {
		return nil, refused
	}
	if refused := s.refuseUnread(wire.MethodRetentionTry); refused != nil {
		return nil, refused
	}
	run := s.server.config.Upkeep.TryRetention
	if run == nil {
		return nil, refuseUnserved(wire.MethodRetentionTry)
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) {
		select {
		case s.server.trying <- struct{}{}:
		case <-ctx.Done():
			return nil, s.queryError(ctx, wire.MethodRetentionTry, "#", ctx.Err())
		}
		defer func() { <-s.server.trying }()
		report, err := run(ctx, limits)
		if err != nil {
			return nil, s.queryError(ctx, wire.MethodRetentionTry, "#", err)
		}
		h := s.history()
		report.Records = slices.DeleteFunc(append([]history.PrunedRecord{}, report.Records...), func(r history.PrunedRecord) bool { return h.isPrivate(r.Record) })
		report.Held = slices.DeleteFunc(append([]history.HeldRecord{}, report.Held...), func(r history.HeldRecord) bool { return h.isPrivate(r.Record) })
		return marshal(report)
	}, nil
}

// parseLimits returns nil without parameters.
func parseLimits(params []byte) (*aimx.RetentionLimits, *refusal) {
	if wire.IsNull(params) {
		return nil, nil
	}
	var p struct {
		Policies     *[]aimx.RetentionPolicy `json:"policies"`
		HistoryBytes int64                   `json:"history_bytes"`
	}
	if refused := parseParams(wire.MethodRetentionTry, params, &p); refused != nil {
		return nil, refused
	}
	if p.Policies == nil && p.HistoryBytes == 0 {
		return nil, nil
	}
	limits := &aimx.RetentionLimits{HistoryBytes: p.HistoryBytes}
	if p.Policies != nil {
		limits.Policies = *p.Policies
	}
	return limits, nil
}
