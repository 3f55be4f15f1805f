package aimdb

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
)

// inOneFile is a backend that is one file with a write-ahead log.
type inOneFile interface {
	FileStats(ctx context.Context) (history.FileStats, error)
}

const (
	// storedFresh is how old the statistics of the history in stats may be, and
	// storedShare how many times longer than it took to read them, so that pages that
	// ask every second cost little on a history of many records.
	storedFresh = 3 * time.Second
	storedShare = 20
)

// storedState keeps the last statistics of the history.
type storedState struct {
	mu    sync.Mutex
	last  *aimx.HistoryState
	until time.Time
}

// databaseState answers stats.
func (db *DB) databaseState(ctx context.Context) (aimx.DatabaseState, error) {
	state := aimx.DatabaseState{Sinks: []aimx.SinkState{}}
	var err error
	if state.Log, err = db.logState(ctx); err != nil {
		return state, err
	}
	for _, s := range db.sinkStats() {
		one, err := db.sinkState(ctx, s, state.Log.Last)
		if err != nil {
			return state, err
		}
		state.Sinks = append(state.Sinks, one)
	}
	if db.config.Backend != nil {
		if state.History, err = db.historyState(ctx); err != nil {
			return state, err
		}
	}
	state.Time = time.Now().UnixMilli()
	return state, nil
}

func (db *DB) logState(ctx context.Context) (aimx.LogState, error) {
	stats, err := db.bus.Stats(ctx)
	if err != nil {
		return aimx.LogState{}, fmt.Errorf("read the state of the log: %w", err)
	}
	span, err := db.bus.Span(ctx)
	if err != nil {
		return aimx.LogState{}, fmt.Errorf("read the span of the log: %w", err)
	}
	state := aimx.LogState{
		State: stats.State, First: stats.FirstSequence, Last: stats.LastSequence, Messages: stats.Messages, Bytes: stats.Bytes,
		Published: stats.Published, Underway: stats.Underway, Refused: stats.Refused, Retries: stats.Retries,
	}
	if stats.Messages > 0 {
		state.Oldest = unixMilli(span.FirstTime)
	}
	since, _ := db.bus.Failing()
	state.FailingSince = unixMilli(since)
	age, bytes := db.bus.Limits()
	state.MaxAge, state.MaxBytes = age.Milliseconds(), bytes
	return state, nil
}

// sinkState returns all but the SinkInfo. A sink that has all of the log costs no request.
func (db *DB) sinkState(ctx context.Context, s SinkStats, last uint64) (aimx.SinkState, error) {
	state := aimx.SinkState{SinkInfo: sinkInfo(s), FailingSince: unixMilli(s.FailingSince), Batches: s.Batches, Values: s.Values}
	if s.Checkpoint.Sequence >= last {
		return state, nil
	}
	lag, err := db.bus.Lag(ctx, s.Checkpoint.Sequence)
	if err != nil {
		return state, fmt.Errorf("read the lag of sink %s: %w", s.Sink, err)
	}
	state.LagMessages = lag.Messages
	if !lag.Since.IsZero() {
		state.LagSeconds = max(0, time.Since(lag.Since).Seconds())
	}
	return state, nil
}

// historyState returns the statistics of the history, which may be a few seconds old.
func (db *DB) historyState(ctx context.Context) (*aimx.HistoryState, error) {
	db.stored.mu.Lock()
	defer db.stored.mu.Unlock()
	if db.stored.last != nil && time.Now().Before(db.stored.until) {
		return db.stored.last, nil
	}
	begun := time.Now()
	stats, err := db.config.Backend.Stats(ctx)
	if err != nil {
		return nil, err
	}
	state := &aimx.HistoryState{
		Time: begun.UnixMilli(), Records: len(stats.Records), Rows: stats.Rows, Bytes: stats.Bytes,
		LastPrune: stats.LastPrune, Lost: stats.Lost, DeadLetters: stats.DeadLetters,
	}
	for _, r := range stats.Records {
		if state.Oldest == 0 || r.FirstTime < state.Oldest {
			state.Oldest = r.FirstTime
		}
		state.Newest = max(state.Newest, r.LastTime)
	}
	file, err := db.fileStats(ctx)
	if err != nil {
		return nil, err
	}
	state.FreeBytes, state.WALBytes, state.WALStuck = file.FreeBytes, file.WALBytes, file.WALStuck
	db.stored.last, db.stored.until = state, time.Now().Add(max(storedFresh, storedShare*time.Since(begun)))
	return state, nil
}

// fileStats returns zeros for a backend that is not one file.
func (db *DB) fileStats(ctx context.Context) (history.FileStats, error) {
	file, is := db.config.Backend.(inOneFile)
	if !is {
		return history.FileStats{}, nil
	}
	return file.FileStats(ctx)
}

func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
