package aimdb_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// shapesOf opens a history beside its database and returns the shapes of its rows.
func shapesOf(t *testing.T, dir string) (rows []string, shapes []int) {
	t.Helper()
	s, err := sqlite.OpenReadOnly(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for row, err := range s.Range(t.Context(), history.RangeQuery{Pattern: key.WirePattern(migrated)}) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, fmt.Sprintf("%d %s", row.Shape, row.Value))
	}
	shapes, err = s.Shapes(t.Context(), migrated)
	if err != nil {
		t.Fatal(err)
	}
	return rows, shapes
}

func TestMigrateHistory(t *testing.T) {
	dir := t.TempDir()
	writeAs(t, dir, asV0, 1, -400, 2)
	writeAs(t, dir, asV1, 3)
	db := open(t, dir)
	produce := asV2(t, db)
	stop := start(t, db)
	produce(4)
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{3, 0} { // the second one has nothing to do
		report, err := db.MigrateHistory(t.Context())
		if err != nil || report.Rewritten != want || report.Left != 1 || len(report.Records) != 1 {
			t.Errorf("migration %d: %+v, %v", i+1, report, err)
		} else if !strings.Contains(report.Records[0].Reason, "below absolute zero") {
			t.Errorf("the reason is %q", report.Records[0].Reason)
		}
		rows, shapes := shapesOf(t, dir)
		equal(t, "rows", strings.Join(rows, "\n"), `2 {"reading":{"kelvin":274.0},"city":"vienna"}
0 {"celsius":-400.0}
2 {"reading":{"kelvin":275.0},"city":"vienna"}
2 {"reading":{"kelvin":276.0},"city":"vienna"}
2 {"reading":{"kelvin":277.0},"city":"vienna"}`)
		equal(t, "shapes", shapes, "[0 2]")
	}
	equal(t, "typed", kelvins(t, db), []float64{274, 275, 276, 277})
	v, err := db.Verify(t.Context())
	if err != nil || v.Verdict != "complete" {
		t.Errorf("verify: %+v, %v", v, err)
	}
	if stats, err := db.Stats(t.Context()); err != nil || stats.History.Rows != 5 {
		t.Errorf("%+v, %v", stats.History, err)
	}
	stop()
	if _, err := open(t, t.TempDir()).MigrateHistory(t.Context()); err == nil || errors.Is(err, aimdb.ErrNotMigratable) {
		t.Errorf("a database that does not run migrated its history: %v", err)
	}
}

// A row that was rewritten and then lost is restored from the log, where it has its old
// shape.
func TestRepairOfAMigratedRow(t *testing.T) {
	dir := t.TempDir()
	writeAs(t, dir, asV0, 1, 2)
	db := open(t, dir)
	asV2(t, db)
	defer start(t, db)()
	if _, err := db.MigrateHistory(t.Context()); err != nil {
		t.Fatal(err)
	}
	damage(t, filepath.Join(dir, "history.db"), "DELETE FROM record_history WHERE id = 1")
	damage(t, filepath.Join(dir, "history.db"), `UPDATE record_history SET value_json = '{"celsius":9}' WHERE id = 2`)
	v, err := db.Repair(t.Context())
	if err != nil || v.Repaired == nil || v.Repaired.Restored != 2 || v.Verdict != "complete" {
		t.Errorf("%+v, %v", v, err)
	}
	equal(t, "rows", kelvins(t, db), []float64{274, 275})
}

// damage changes a history as another program would.
func damage(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

// A client of AimX that follows from the beginning gets all values in the present shape.
func TestOlderShapesOverAimX(t *testing.T) {
	dir := t.TempDir()
	writeAs(t, dir, asV0, 1, -400, 2)
	socket := filepath.Join(dir, "s")
	db := open(t, dir, aimdb.Gateway(socket))
	produce := asV2(t, db)
	defer start(t, db)()
	produce(3)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var all []float64
	for e, err := range aimx.Follow[tempV2](ctx, dialAimX(t, socket), migrated, aimx.FromTime(0)) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Record != "" {
			all = append(all, e.Value.Reading.Kelvin)
		}
		if len(all) == 3 {
			break
		}
	}
	equal(t, "followed", all, []float64{274, 275, 276})
}
