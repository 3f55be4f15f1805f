//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/backup"
)

// TestBackupCommands: a backup is made, listed, verified, found to be damaged.
func TestBackupCommands(t *testing.T) {
	t.Parallel()
	db, dir := historyFile(t, 3000), filepath.Join(t.TempDir(), "backups")
	first := strings.TrimSpace(aimdb(t, "backup", "now", db, dir, "--keep", "2").ok(t))
	for range 2 {
		aimdb(t, "backup", "now", db, dir, "--keep", "2").ok(t)
	}
	if _, err := os.Stat(first); !os.IsNotExist(err) {
		t.Errorf("the oldest is still there: %v", err)
	}
	if out := aimdb(t, "backup", "list", dir, "--format", "csv").ok(t); strings.Count(out, "\n") != 3 {
		t.Errorf("list prints\n%s", out)
	}
	if out := aimdb(t, "backup", "verify", dir, "--format", "ndjson").ok(t); strings.Count(out, `"rows":3000,"sequence":3000`) != 2 {
		t.Errorf("verify prints\n%s", out)
	}
	all, err := backup.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(all[0].Path)
	if err == nil {
		copy(data[len(data)/2:], make([]byte, 8000))
		err = os.WriteFile(all[0].Path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	aimdb(t, "backup", "verify", dir).fails(t, exitFailed, "1 backup is damaged")
	// A damaged history makes no backup, and those before stay.
	if err := os.WriteFile(db, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := aimdb(t, "backup", "now", db, dir, "--keep", "1"); r.code != exitFailed {
		t.Errorf("a damaged history: %d %s", r.code, r.stderr)
	}
	if left, err := backup.List(dir); err != nil || len(left) != 2 {
		t.Errorf("left are %v, %v", left, err)
	}
	aimdb(t, "backup", "verify", t.TempDir()).fails(t, exitFailed, "there is no backup")
}

// TestBackupIsCut: a process that is killed in the middle, and a disk that is full in the
// middle, leave the backups that there are, and the next one removes what they have left.
func TestBackupIsCut(t *testing.T) {
	t.Parallel()
	db, dir := historyFile(t, 30_000), filepath.Join(t.TempDir(), "backups")
	good := strings.TrimSpace(aimdb(t, "backup", "now", db, dir, "--keep", "1").ok(t))
	parts := func() []string {
		left, err := backup.Leftovers(dir)
		if err != nil {
			t.Fatal(err)
		}
		return left
	}
	cmd := exec.Command(os.Getenv(binaryVariable), "backup", "now", db, dir, "--keep", "1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(time.Minute); len(parts()) == 0 && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	_ = cmd.Process.Kill() // it may have ended already, which the next lines find
	_ = cmd.Wait()         // it says that it was killed
	if len(parts()) == 0 {
		t.Fatal("the backup was not killed in the middle")
	}
	full := exec.Command("sh", "-c", `ulimit -f 1000; trap "" XFSZ; exec "$0" "$@"`, os.Getenv(binaryVariable), "backup", "now", db, dir, "--keep", "1")
	if out, err := full.CombinedOutput(); err == nil || !strings.Contains(string(out), "back up") {
		t.Errorf("a full disk: %v\n%s", err, out)
	}
	if all, err := backup.List(dir); err != nil || len(all) != 1 || all[0].Path != good {
		t.Errorf("there are %v, %v", all, err)
	}
	aimdb(t, "backup", "now", db, dir, "--keep", "1").ok(t)
	if all, err := backup.List(dir); err != nil || len(all) != 1 || all[0].Path == good || len(parts()) > 0 {
		t.Errorf("there are %v, %v, parts %v", all, err, parts())
	}
	aimdb(t, "backup", "verify", dir).ok(t)
	if os.Geteuid() != 0 {
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(dir, 0o700) }) // so that it can be removed
		aimdb(t, "backup", "now", db, dir).fails(t, exitFailed, "permission denied")
	}
}
