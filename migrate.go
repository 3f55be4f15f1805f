package aimdb

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/records"
)

// Migrate says how values of an older type of a record become values of the next one. The
// migrations of a record are given in the order of its types, and the last one makes the
// type that it has now:
//
//	aimdb.Register[V2](db, "temp::vienna",
//		aimdb.Migrate(func(v V0) (V1, error) { ... }),
//		aimdb.Migrate(func(v V1) (V2, error) { ... }))
//
// The number of migrations is the version of the record's shape. It is kept with each
// value in the log and in the history; what other programs and older versions of this one
// have written has version 0. So a migration is never removed or changed, only added.
//
// Queries, [Follow], clients and the refill at start get all values in the present shape.
// A value that cannot be upgraded, or whose version is higher than that of the program, is
// left out, logged and counted like one that does not decode. A client may set a value of
// an older type: see [records.Untyped.Set]. [DB.MigrateHistory] rewrites what is stored.
//
// The function may be called several times for one value, and from several goroutines. It
// must depend on the value alone.
func Migrate[Old, New any](upgrade func(Old) (New, error)) RecordOption {
	return func(c *records.Config) { c.Migrations = append(c.Migrations, records.NewMigration(upgrade)) }
}

// MigrateReport says what a migration of the history did.
type MigrateReport = history.MigrateReport

// ErrNotMigratable is the error of MigrateHistory for a backend that cannot rewrite rows:
// it is no [history.Shaped].
var ErrNotMigratable = errors.New("aimdb: this backend cannot rewrite its rows")

// errNotRunning is why MigrateHistory needs Run.
var errNotRunning = errors.New("it does not run")

// MigrateHistory rewrites the rows of the backend whose shape is not the one that their
// record has now, with the functions of [Migrate]. Rows that cannot be upgraded stay as
// they are; the report counts them. Rows of records with [EventTime] get the time that it
// returns now. The database runs on meanwhile. When it is interrupted
// it can be called again. It says nothing about the other sinks.
//
// Nothing needs it: rows are upgraded whenever they are read. It saves that work, lets
// programs without the functions read the rows, and shows whether all can be upgraded.
func (db *DB) MigrateHistory(ctx context.Context) (MigrateReport, error) {
	return db.migrateHistory(ctx, func(int64) {})
}

// migrateHistory calls progress with the number of rows rewritten so far.
func (db *DB) migrateHistory(ctx context.Context, progress func(rows int64)) (MigrateReport, error) {
	const doing = "migrate the history of database %q"
	if db.config.Backend == nil {
		return MigrateReport{}, db.failed(ErrNoHistory, doing, db.config.Name)
	}
	if _, can := db.config.Backend.(history.Shaped); !can {
		return MigrateReport{}, db.failed(ErrNotMigratable, doing, db.config.Name)
	}
	select {
	case <-db.ready:
	default:
		return MigrateReport{}, db.failed(errNotRunning, doing, db.config.Name)
	}
	return db.rewriteHistory(ctx, progress)
}

// rewriteHistory migrates the history, whether or not the database serves already.
func (db *DB) rewriteHistory(ctx context.Context, progress func(rows int64)) (MigrateReport, error) {
	const doing = "migrate the history of database %q"
	shaped, can := db.config.Backend.(history.Shaped)
	if !can {
		return MigrateReport{}, db.failed(ErrNotMigratable, doing, db.config.Name)
	}
	m := historyMigration{up: db.newRowUpgrade(), progress: progress, records: map[string]*history.MigratedRecord{}}
	err := shaped.Rewrite(ctx, m.upgrade, m.changed)
	if err == nil {
		err = db.retime(ctx, m.retimed)
	}
	report := m.report()
	level := slog.LevelInfo
	if report.Rewritten+report.Left+report.Retimed == 0 && err == nil {
		level = slog.LevelDebug // there was nothing to do
	}
	db.config.Logger.Log(ctx, level, "the rows of the history were migrated", "database", db.config.Name,
		"rewritten", report.Rewritten, "left", report.Left, "retimed", report.Retimed, "error", err)
	return report, db.failed(err, doing, db.config.Name)
}

// historyMigration counts what one migration of a history does.
type historyMigration struct {
	up        *rowUpgrade
	progress  func(rows int64)
	rewritten int64
	times     int64
	records   map[string]*history.MigratedRecord
}

func (m *historyMigration) upgrade(row history.Row) (json.RawMessage, int, error) {
	value, shape, err := m.up.rewriteRow(row)
	if r := m.up.record; r != nil && (r.Shape() > 0 || row.Shape > 0) {
		m.count(row, r.Shape(), err)
	}
	return value, shape, err
}

func (m *historyMigration) count(row history.Row, shape int, err error) {
	one := m.records[row.Record]
	if one == nil {
		one = &history.MigratedRecord{Record: row.Record, Shape: shape}
		m.records[row.Record] = one
	}
	switch {
	case err != nil:
		if one.Left++; one.Left == 1 {
			one.Reason = err.Error()
		}
	case row.Shape != shape:
		one.Rewritten++
	}
}

func (m *historyMigration) changed(rows int) {
	m.rewritten += int64(rows)
	m.progress(m.rewritten)
}

// retimed counts rows that have another time now.
func (m *historyMigration) retimed(rows int) {
	m.times += int64(rows)
	m.progress(m.rewritten + m.times)
}

func (m *historyMigration) report() MigrateReport {
	report := MigrateReport{Records: []history.MigratedRecord{}, Rewritten: m.rewritten, Retimed: m.times}
	for _, name := range slices.Sorted(maps.Keys(m.records)) {
		report.Records = append(report.Records, *m.records[name])
		report.Left += m.records[name].Left
	}
	return report
}
