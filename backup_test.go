package aimdb_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/backup"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// awaitBackup waits for the first backup of a database and returns it.
func awaitBackup(t *testing.T, db *aimdb.DB, dir string) backup.File {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if s, err := db.Stats(t.Context()); err != nil {
			t.Fatal(err)
		} else if s.Backup.LastError != "" {
			t.Fatal(s.Backup.LastError)
		} else if !s.Backup.LastSuccess.IsZero() {
			break
		}
	}
	all, err := backup.List(dir)
	if err != nil || len(all) == 0 {
		t.Fatalf("there are %d backups, %v", len(all), err)
	}
	return all[0]
}

func sendFrom(t *testing.T, db *aimdb.DB, r *aimdb.Record[int], from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if err := r.Send(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// storedNumbers returns the numbers that the history has, in order.
func storedNumbers(t *testing.T, dir string) (all []string) {
	t.Helper()
	s, err := sqlite.OpenReadOnly(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for row, err := range s.Rows(t.Context(), key.WirePattern("#"), history.Window{}, 0) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(row.Value))
	}
	return all
}

// TestRestoreAndGoOn: a backup is restored after more values came. The log has them, and the
// history has every value once. If the log is gone too, what came after the backup is gone,
// and the numbers go on after it.
func TestRestoreAndGoOn(t *testing.T) {
	dir, backups := t.TempDir(), filepath.Join(t.TempDir(), "backups")
	first := open(t, dir, aimdb.Backup(aimdb.BackupConfig{Dir: backups, Every: time.Hour}))
	r := register[int](t, first, "n", aimdb.Persist(), aimdb.Ring(100))
	stop := start(t, first)
	sendFrom(t, first, r, 0, 10)
	stop()

	second := open(t, dir, aimdb.Backup(aimdb.BackupConfig{Dir: backups, Every: time.Hour, Keep: 9}))
	r = register[int](t, second, "n", aimdb.Persist(), aimdb.Ring(100))
	stop = start(t, second)
	awaitBackup(t, second, backups)
	sendFrom(t, second, r, 10, 20)
	stop()
	store, err := sqlite.OpenReadOnly(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := backup.New(store, aimdb.BackupConfig{Dir: backups}, nil)
	if err != nil {
		t.Fatal(err)
	}
	newest, err := k.Back(t.Context())
	if err = errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	third := open(t, dir)
	r = register[int](t, third, "n", aimdb.Persist(), aimdb.Ring(100))
	stop = start(t, third)
	sendFrom(t, third, r, 20, 30)
	stop()

	for name, into := range map[string]string{"the log is there": dir, "the log is gone": t.TempDir()} {
		if err := sqlite.Restore(t.Context(), newest.Path, filepath.Join(into, "history.db")); err != nil {
			t.Fatal(name, err)
		}
		if have := storedNumbers(t, into); len(have) != 20 {
			t.Errorf("%s: the backup has %v", name, have)
		}
		db := open(t, into)
		r := register[int](t, db, "n", aimdb.Persist(), aimdb.Ring(100))
		stop := start(t, db)
		sendFrom(t, db, r, 30, 33)
		v, err := db.Verify(t.Context())
		if err != nil || into == dir && v.Verdict != aimx.Complete {
			t.Errorf("%s: verify: %+v, %v", name, v, err)
		}
		t.Logf("%s: %s %+v", name, v.Verdict, v)
		stop()
		want := 33
		if into != dir {
			want = 23
		}
		if have := storedNumbers(t, into); len(have) != want {
			t.Errorf("%s: the history has %v", name, have)
		}
	}
}

func TestBackupIsRefused(t *testing.T) {
	for says, c := range map[string]aimdb.Config{
		"no history to back up": {Backup: aimdb.BackupConfig{Dir: "d"}},
		"cannot copy itself":    {Backup: aimdb.BackupConfig{Dir: "d"}, Backend: memoryBackend{}},
		"needs a directory":     {Backup: aimdb.BackupConfig{Keep: 3}},
	} {
		db, err := aimdb.Open(c)
		if err == nil {
			_ = db.Close()
		}
		if err == nil || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("want %q, got %v", says, err)
		}
	}
}
