package aimdb_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// unpacked returns the directory of a fixture: before is one of the version before there
// were shapes, one is the same after a program with one migration wrote to it.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "shapes", name+".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err == nil && h.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o700)
		} else if err == nil {
			var data []byte
			if data, err = io.ReadAll(in); err == nil {
				err = os.WriteFile(path, data, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Directories of the version before, and of an older shape, open in a newer program: the
// history as it is, or filled again from the log.
func TestFixturesOfShapes(t *testing.T) {
	for _, test := range []struct {
		name      string
		want      []float64
		rewritten int64
	}{
		{"before", []float64{274, 275}, 2},
		{"one", []float64{274, 275, 276}, 3},
	} {
		for _, fromLog := range []bool{false, true} {
			t.Run(test.name, func(t *testing.T) {
				dir := unpacked(t, test.name)
				if fromLog {
					if err := os.Remove(filepath.Join(dir, "history.db")); err != nil {
						t.Fatal(err)
					}
				}
				store, err := sqlite.Open(filepath.Join(dir, "history.db"))
				if err != nil {
					t.Fatal(err)
				}
				db, err := aimdb.New(aimdb.Dir(dir), aimdb.WithPersistence(store, 0), aimdb.LogLimits(100*365*24*time.Hour, 1<<30))
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = db.Close() }) // only for tests that fail half way
				r := registerV2(t, db)
				defer start(t, db)()
				equal(t, "rows", kelvins(t, db), test.want)
				if v, _ := r.Latest(); v.Reading.Kelvin != test.want[len(test.want)-1] {
					t.Errorf("the refilled value is %+v", v)
				}
				report, err := db.MigrateHistory(t.Context())
				if err != nil || report.Rewritten != test.rewritten || report.Left != 0 {
					t.Errorf("%+v, %v", report, err)
				}
				equal(t, "rows after the migration", kelvins(t, db), test.want)
				_, shapes := shapesOf(t, dir)
				equal(t, "shapes", shapes, "[2]")
				if v, err := db.Verify(t.Context()); err != nil || v.Verdict != "complete" {
					t.Errorf("%+v, %v", v, err)
				}
			})
		}
	}
}
