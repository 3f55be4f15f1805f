package gateway

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"slices"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
)

// Upkeep answers what the operator of a database asks, with everything: the server removes
// what clients may not read. Any of its functions may be nil; the methods that need it are
// refused then. They may be called by several goroutines at a time.
type Upkeep struct {
	// State answers stats.
	State func(context.Context) (aimx.DatabaseState, error)
	// Ledgers returns the sinks that keep losses or dead letters.
	Ledgers func() []Ledger
	// Usage answers history.usage; Records has all of them in any order.
	Usage func(context.Context) (aimx.Usage, error)
	// Retention answers retention.list.
	Retention func(context.Context) (aimx.Retention, error)
	// TryRetention answers retention.try, with the limits in force if limits is nil. One
	// call runs at a time.
	TryRetention func(ctx context.Context, limits *aimx.RetentionLimits) (history.PruneReport, error)
}

// Ledger is what one sink keeps of values that it does not have.
type Ledger struct {
	Sink string
	// Losses yields its ledger of losses, oldest first. It may be nil.
	Losses func(context.Context) iter.Seq2[loss.Loss, error]
	// Letters are its dead letters. It may be nil.
	Letters history.DeadLetters
}

// needsHistory reports whether a history method is refused without a history.
func needsHistory(method string) bool {
	switch method {
	case wire.MethodStats, wire.MethodLossList, wire.MethodLetterList, wire.MethodLetterRetry:
		return false
	}
	return true
}

// refuseUnread refuses what is about the database as a whole to a client that may not read
// all of it.
func (s *session) refuseUnread(method string) *refusal {
	if s.grants.ReadsAll(key.WirePattern("#")) {
		return nil
	}
	return refuse(aimx.CodeDenied, "the token of this connection does not grant reading all records, which %s needs", method)
}

// refuseUnwritten is refuseUnread for a change.
func (s *session) refuseUnwritten(method string) *refusal {
	if reason := s.server.config.ReadOnly; reason != "" {
		return refuse(aimx.CodeDenied, "cannot run %s: %s", method, reason)
	}
	if !s.grants.WritesAll(key.WirePattern("#")) {
		return refuse(aimx.CodeDenied, "the token of this connection does not grant writing all records, which %s needs", method)
	}
	return nil
}

func refuseUnserved(method string) *refusal {
	return refuse(aimx.CodeInternal, "this server does not answer %s", method)
}

// state answers stats.
func (s *session) state(params []byte) (historyQuery, *refusal) {
	if refused := parseParams(wire.MethodStats, params, &struct{}{}); refused != nil {
		return nil, refused
	}
	run := s.server.config.Upkeep.State
	if run == nil {
		return nil, refuseUnserved(wire.MethodStats)
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) {
		state, err := run(ctx)
		if err != nil {
			return nil, s.queryError(ctx, wire.MethodStats, "#", err)
		}
		return marshal(state)
	}, nil
}

// mostRecords bounds the records of history.usage, and defaultRecords is without a limit.
const mostRecords, defaultRecords = 10_000, 100

// usage answers history.usage.
func (s *session) usage(params []byte) (historyQuery, *refusal) {
	var p wire.UsageParams
	if refused := parseParams(wire.MethodHistoryUsage, params, &p); refused != nil {
		return nil, refused
	}
	limit, refused := limited(p.Limit, defaultRecords, mostRecords)
	if refused != nil {
		return nil, refused
	}
	run := s.server.config.Upkeep.Usage
	if run == nil {
		return nil, refuseUnserved(wire.MethodHistoryUsage)
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) {
		usage, err := run(ctx)
		if err != nil {
			return nil, s.queryError(ctx, wire.MethodHistoryUsage, "#", err)
		}
		return marshal(s.largest(usage, limit))
	}, nil
}

// largest keeps the largest records that the client may read, and adds up the others.
func (s *session) largest(u aimx.Usage, limit int) aimx.Usage {
	h := s.history()
	all, kept := u.Records, []history.RecordStats{}
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b history.RecordStats) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Rows, a.Rows), cmp.Compare(a.Record, b.Record))
	})
	room := s.answerBytes()
	for _, r := range all {
		u.ValueBytes += r.Bytes
		if len(kept) < limit && !h.isPrivate(r.Record) {
			if room -= len(r.Record) + bytesOfRecord; room > 0 {
				kept = append(kept, r)
				continue
			}
		}
		u.Others.Records++
		u.Others.Rows += r.Rows
		u.Others.Bytes += r.Bytes
	}
	u.Records = kept
	u.Pruned = slices.DeleteFunc(append([]aimx.Pruned{}, u.Pruned...), func(p aimx.Pruned) bool {
		return !s.grants.ReadsAll(key.WirePattern(cmp.Or(p.Pattern, "#")))
	})
	return u
}

// bytesOfRecord is about the length of one record in an answer, without its key.
const bytesOfRecord = 150

// limited returns the limit of a list.
func limited(asked, usual, most int) (int, *refusal) {
	if asked < 0 {
		return 0, refuse(aimx.CodeInternal, "the limit is %d; give a positive number, or none for %d", asked, usual)
	}
	return min(cmp.Or(asked, usual), most), nil
}
