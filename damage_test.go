package aimdb_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// session opens the database in a directory, sends n more values and stops it. It
// returns the number of stored rows and the ledger.
func session(t *testing.T, dir string, from, n int) (rows int64, losses []loss.Loss) {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := aimdb.New(aimdb.Dir(dir), aimdb.WithPersistence(store, 0))
	if err != nil {
		t.Fatal(err)
	}
	r := register[int](t, db, "n", aimdb.Ring(1000), aimdb.Persist(), aimdb.Lossless())
	stop := start(t, db)
	for i := range n {
		if err := r.Send(t.Context(), from+i); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats, err := db.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for l, err := range store.Losses(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, l)
	}
	stop()
	return stats.History.Rows, losses
}

// A log that has lost its identity, the mark that would tell, or both, is
// recognized by the message that the history has stored last: nothing is stored
// twice.
func TestALogThatLostItsIdentityIsStoredOnce(t *testing.T) {
	defer goleak.VerifyNone(t)
	for name, remove := range map[string][]string{"with its mark": nil, "without its mark": {"log.mark"}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			session(t, dir, 0, 500)
			sums, err := filepath.Glob(filepath.Join(dir, "log/jetstream/*/streams/*/meta.sum"))
			if err != nil || len(sums) != 1 {
				t.Fatalf("%v, %v", sums, err)
			}
			if err := os.WriteFile(sums[0], nil, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, file := range remove {
				if err := os.Remove(filepath.Join(dir, file)); err != nil {
					t.Fatal(err)
				}
			}
			if rows, losses := session(t, dir, 500, 100); rows != 600 || len(losses) != 0 {
				t.Errorf("%d rows and %v, want 600", rows, losses)
			}
			if rows, losses := session(t, dir, 600, 10); rows != 610 || len(losses) != 0 {
				t.Errorf("after another start %d rows and %v, want 610", rows, losses)
			}
		})
	}
}

// A log that lost its end while a second sink was behind: the history has all, and
// the second sink counts what it misses.
func TestALostEndIsALossOfTheSinkThatWasBehind(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir, older := t.TempDir(), filepath.Join(t.TempDir(), "log")
	session(t, dir, 0, 100)
	if err := os.CopyFS(older, os.DirFS(filepath.Join(dir, "log"))); err != nil {
		t.Fatal(err)
	}
	session(t, dir, 100, 50)
	if err := os.RemoveAll(filepath.Join(dir, "log")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "log"), os.DirFS(older)); err != nil {
		t.Fatal(err)
	}
	rows, losses := session(t, dir, 150, 10)
	if rows != 160 || len(losses) != 0 {
		t.Errorf("%d rows and %v, want 160: the history had everything", rows, losses)
	}
	second, err := sqlite.Open(filepath.Join(t.TempDir(), "second.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := aimdb.New(aimdb.Dir(dir), aimdb.WithPersistence(second, 0))
	if err != nil {
		t.Fatal(err)
	}
	register[int](t, db, "n", aimdb.Ring(8), aimdb.Persist())
	stop := start(t, db)
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats, err := db.Stats(t.Context())
	if err != nil || stats.History.Rows != 110 || stats.History.Lost != 50 {
		t.Errorf("a new sink has %+v, want 110 rows and 50 lost (%v)", stats.History, err)
	}
	stop()
}
