package aimdb

import (
	"context"
	"errors"
	"time"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/internal/disk"
	"github.com/aimdb-go/aimdb/internal/histogram"
	"github.com/aimdb-go/aimdb/sinks/retention"
)

// Histogram has observations in fixed buckets.
type Histogram = histogram.Snapshot

// Totals is the state of a database without that of single records: what a scrape can ask
// for often. It costs a few requests to the log and queries of the history, however many
// records and rows there are.
type Totals struct {
	// Log is the state of the log, LogAge and LogBytes are its limits.
	Log      LogStats
	LogAge   time.Duration
	LogBytes int64
	// Sinks is the state of each sink, the backend first, and Lags what each has not stored
	// of the log. Both are empty before Run.
	Sinks []SinkStats
	Lags  []SinkLag
	// History has the sums of what is stored, nil without a backend, or with one that has
	// none. Retention is what sweeps deleted.
	History   *history.Totals
	Retention retention.Counts
	// Backup is the state of the backups, nil without Config.Backup.
	Backup *BackupStats
	// Undecoded is the number of rows that queries had to leave out.
	Undecoded uint64
	// Ingest is what was set from outside, Gateway what AimX clients did, and Web what the
	// web server of the database did. RefusedLogins counts tokens, names and passwords that
	// nobody has.
	Ingest        ingest.Counts
	Gateway       gateway.Counts
	Web           WebCounts
	RefusedLogins uint64
	// Disk is the file system of Config.Dir, nil without one or where it cannot be told.
	Disk *Disk
}

// SinkLag is what a sink has not stored of the log.
type SinkLag = bus.Lag

// Disk is a file system: its size, and what of it this process may still use.
type Disk struct{ Bytes, FreeBytes uint64 }

// Totals asks all parts for their state. What it could find out is there also if there is
// an error.
func (db *DB) Totals(ctx context.Context) (Totals, error) {
	t := Totals{
		LogAge: db.config.LogAge, LogBytes: db.config.LogBytes, Sinks: db.sinkStats(), Undecoded: db.undecoded.count.Load(),
		Ingest: db.ingest.Counts(), Gateway: db.gateway.Counts(), Web: db.web.counts(), RefusedLogins: db.access.Refused(),
	}
	var errs []error
	var err error
	if t.Log, err = db.bus.Stats(ctx); err != nil {
		errs = append(errs, err)
	}
	for _, s := range t.Sinks {
		lag, err := db.sinkLag(ctx, s)
		t.Lags, errs = append(t.Lags, lag), append(errs, err)
	}
	if db.keeper != nil {
		t.Retention = db.keeper.Counts()
	}
	if b, can := db.config.Backend.(interface {
		Totals(context.Context) (history.Totals, error)
	}); can {
		stored, err := b.Totals(ctx)
		if errs = append(errs, err); err == nil {
			t.History = &stored
		}
	}
	t.Backup = db.backupStats()
	if db.config.Dir != "" {
		switch space, err := disk.SpaceOf(db.config.Dir); {
		case err == nil:
			t.Disk = &Disk{Bytes: space.Total, FreeBytes: space.Free}
		case !errors.Is(err, errors.ErrUnsupported):
			errs = append(errs, err)
		}
	}
	return t, db.failed(errors.Join(errs...), "ask database %q for its state", db.config.Name)
}

// sinkLag returns the lag of a sink. The checkpoint of one that has stored nothing of this
// log is that of another.
func (db *DB) sinkLag(ctx context.Context, s SinkStats) (SinkLag, error) {
	at := s.Checkpoint.Sequence
	if s.Checkpoint.Log != db.bus.Identity() {
		at = 0
	}
	return db.bus.Lag(ctx, at)
}
