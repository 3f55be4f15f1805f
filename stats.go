package aimdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/backup"
	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/pump"
)

// LogStats is the state of the log.
type LogStats = bus.Stats

// SinkStats is the state of a sink: how far it is in the log, what it refused and
// what it lost.
type SinkStats = pump.Stats

// BatchInfo is one batch of the log that a sink was given.
type BatchInfo = pump.BatchInfo

// HistoryStats describes what a backend stores.
type HistoryStats = history.Stats

// BackupStats is the state of the backups.
type BackupStats = backup.Stats

// Stats is the state of a database. The state of each record is in
// [DB.Registry].
type Stats struct {
	// Log is the state of the log.
	Log LogStats `json:"log"`
	// Sinks is the state of each sink, the backend first. It is empty before Run.
	Sinks []SinkStats `json:"sinks"`
	// History describes what is stored, nil without a backend.
	History *HistoryStats `json:"history,omitempty"`
	// Backup is the state of the backups, nil without Config.Backup.
	Backup *BackupStats `json:"backup,omitempty"`
	// Undecoded is the number of rows that queries had to leave out.
	Undecoded uint64 `json:"undecoded"`
}

// Stats asks all parts for their state.
func (db *DB) Stats(ctx context.Context) (Stats, error) {
	log, err := db.bus.Stats(ctx)
	s := Stats{Log: log, Sinks: db.sinkStats(), Undecoded: db.undecoded.count.Load()}
	if db.config.Backend != nil {
		stored, failed := db.config.Backend.Stats(ctx)
		s.History, err = &stored, errors.Join(err, failed)
	}
	s.Backup = db.backupStats()
	return s, db.failed(err, "ask database %q for its state", db.config.Name)
}

func (db *DB) backupStats() *BackupStats {
	if db.backups == nil {
		return nil
	}
	made := db.backups.Stats()
	return &made
}

func (db *DB) sinkStats() []SinkStats {
	all := []SinkStats{}
	for _, p := range db.allPumps() {
		all = append(all, p.Stats())
	}
	return all
}

// sinkInfos returns the sinks as the gateway lists them.
func (db *DB) sinkInfos() []aimx.SinkInfo {
	all := []aimx.SinkInfo{}
	for _, s := range db.sinkStats() {
		all = append(all, sinkInfo(s))
	}
	return all
}

func sinkInfo(s SinkStats) aimx.SinkInfo {
	return aimx.SinkInfo{
		Name: s.Sink, State: s.State, Sequence: s.Checkpoint.Sequence, Lost: s.Lost, Refused: s.Refused, Retries: s.Retries,
		LastCommit: unixMilli(s.LastCommit),
	}
}

// failingLong is how long a sink fails before the health of the database is degraded,
// logFailingLong how long the log does. An election of a leader takes less.
const (
	failingLong    = time.Minute
	logFailingLong = 10 * time.Second
)

// Troubles names what does not work, as /health does for who may know. It is empty if
// everything does.
func (db *DB) Troubles() []string {
	var all []string
	if blocked := db.bus.Blocked(); blocked != nil {
		all = append(all, fmt.Sprintf("log: %v, for %v", blocked, time.Since(blocked.Since).Round(time.Second)))
	} else if since, why := db.bus.Failing(); !since.IsZero() && time.Since(since) >= logFailingLong {
		all = append(all, fmt.Sprintf("log: %s, for %v", why, time.Since(since).Round(time.Second)))
	}
	for _, s := range db.sinkStats() {
		if since := s.FailingSince; !since.IsZero() && time.Since(since) >= failingLong {
			all = append(all, fmt.Sprintf("sink %s: %s, for %v", s.Sink, s.State, time.Since(since).Round(time.Second)))
		}
	}
	if db.backups != nil {
		if trouble := db.backups.Trouble(); trouble != "" {
			all = append(all, trouble)
		}
	}
	if db.config.Troubles != nil {
		all = append(all, db.config.Troubles()...)
	}
	return all
}
