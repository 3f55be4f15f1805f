package aimdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// This file answers what operators ask of a running database by way of the gateway, with
// state.go.

// usage answers history.usage.
func (db *DB) usage(ctx context.Context) (aimx.Usage, error) {
	stats, err := db.config.Backend.Stats(ctx)
	if err != nil {
		return aimx.Usage{}, err
	}
	file, err := db.fileStats(ctx)
	if err != nil {
		return aimx.Usage{}, err
	}
	log, err := db.bus.Stats(ctx)
	return aimx.Usage{
		Records: stats.Records, Bytes: stats.Bytes, FreeBytes: file.FreeBytes, WALBytes: file.WALBytes,
		LogBytes: log.Bytes, Pruned: db.pruned(),
	}, err
}

// ledgers returns the sinks that keep losses or dead letters.
func (db *DB) ledgers() []gateway.Ledger {
	var all []gateway.Ledger
	for _, sink := range db.allSinks() {
		one := gateway.Ledger{Sink: sink.Name()}
		if l, keeps := sink.(ledger); keeps {
			one.Losses = l.Losses
		}
		one.Letters, _ = sink.(history.DeadLetters)
		if one.Losses != nil || one.Letters != nil {
			all = append(all, one)
		}
	}
	return all
}

// pruned returns what sweeps deleted since the start.
func (db *DB) pruned() []aimx.Pruned {
	all := []aimx.Pruned{}
	for pattern, p := range db.keeper.Counts().Pruned {
		all = append(all, aimx.Pruned{Pattern: pattern, Rows: p.Rows, Bytes: p.Bytes})
	}
	slices.SortFunc(all, func(a, b aimx.Pruned) int { return cmp.Compare(a.Pattern, b.Pattern) })
	return all
}

// retention answers retention.list.
func (db *DB) retention(ctx context.Context) (aimx.Retention, error) {
	state, err := db.historyState(ctx)
	if err != nil {
		return aimx.Retention{}, err
	}
	policies, bytes := db.keeper.Limits()
	limits := aimx.Retention{
		RetentionLimits: aimx.RetentionLimits{Policies: []aimx.RetentionPolicy{}, HistoryBytes: bytes},
		Time:            time.Now().UnixMilli(),
		Every:           db.keeper.Every().Milliseconds(), LastSweep: state.LastPrune, Pruned: db.pruned(),
	}
	for _, p := range policies {
		limits.Policies = append(limits.Policies, aimx.RetentionPolicy{
			Pattern: p.Pattern.String(), MaxAge: p.MaxAge.Milliseconds(), MaxRows: p.MaxRows, MaxBytes: p.MaxBytes, Forever: p.Forever,
		})
	}
	return limits, nil
}

// tryRetention answers retention.try. Limits that cannot be meant are a history.QueryError.
func (db *DB) tryRetention(ctx context.Context, limits *aimx.RetentionLimits) (history.PruneReport, error) {
	if limits == nil {
		return db.keeper.DryRun(ctx)
	}
	policies := make([]history.Policy, 0, len(limits.Policies))
	wrong := []error{}
	for _, l := range limits.Policies {
		pattern, err := key.ParsePattern(l.Pattern)
		p := history.Policy{Pattern: pattern, MaxAge: time.Duration(l.MaxAge) * time.Millisecond, MaxRows: l.MaxRows, MaxBytes: l.MaxBytes, Forever: l.Forever}
		if err == nil && p.MaxAge/time.Millisecond != time.Duration(l.MaxAge) {
			err = fmt.Errorf("the age of %d ms is too long; leave it out to keep rows of any age", l.MaxAge)
		}
		if err == nil {
			err = p.Validate()
		}
		wrong, policies = append(wrong, err), append(policies, p)
	}
	if limits.HistoryBytes < 0 {
		wrong = append(wrong, errors.New("the size of the history is negative; 0 is no limit"))
	}
	if err := errors.Join(wrong...); err != nil {
		return history.PruneReport{}, &history.QueryError{Reason: err.Error(), Err: err}
	}
	return db.keeper.DryRunWith(ctx, policies, limits.HistoryBytes)
}
