package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAHubWhoseHistoryIsTakenAway: the hub produces nothing meanwhile. It says
// what is wrong, and stores everything that its log has once more.
func TestAHubWhoseHistoryIsTakenAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, backup := filepath.Join(dir, "history.db"), filepath.Join(t.TempDir(), "backup.db")
	d := startDemo(t, dir, "--pace", "2ms")
	aimdb(t, "record", "watch", "accuracy::*", "--count", "40", "--connect", d.socket).ok(t)
	aimdb(t, "history", "backup", db, backup).ok(t)
	aimdb(t, "record", "watch", "accuracy::*", "--count", "40", "--connect", d.socket).ok(t)
	d.stop(t)
	want := sorted(aimdb(t, "history", "export", db).ok(t))
	d = startDemo(t, dir, "--steps", "0")
	for _, harm := range []struct {
		name, says string
		do         func() error
	}{
		{"emptied", "cut short", func() error { return os.Truncate(db, 0) }},
		{"deleted", "deleted or replaced", func() error {
			for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
				if err := os.Remove(db + suffix); err != nil {
					return err
				}
			}
			return nil
		}},
		{"replaced by a backup", "deleted or replaced", func() error { return os.Rename(backup, db) }},
	} {
		if err := harm.do(); err != nil {
			t.Fatal(err)
		}
		soon(t, harm.name+": the statistics say so", func() bool {
			r := aimdb(t, "history", "stats", d.socket)
			return r.code == exitFailed && strings.Contains(r.stderr, harm.says)
		})
		soon(t, harm.name+": everything is stored again", func() bool {
			r := aimdb(t, "history", "export", d.socket)
			return r.code == exitOK && sorted(r.stdout) == want
		})
		inspectFile(t, db)
	}
	d.stop(t)
	if n := strings.Count(d.stderr.String(), "the history stores nothing"); n != 3 {
		t.Errorf("the hub said %d times what is wrong:\n%s", n, d.stderr.String())
	}
	d = startDemo(t, dir, "--steps", "0")
	if got := sorted(aimdb(t, "history", "export", d.socket).ok(t)); got != want {
		t.Error("after a restart there are other rows")
	}
	d.stop(t)
}

// soon waits until something holds.
func soon(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}
