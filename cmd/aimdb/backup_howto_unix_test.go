//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestBackupHowTo runs the commands of docs/how-to/backup-and-restore.md: backups are made
// while a server runs, and one is restored after it has ended. The log brings the value back
// that came after the backup.
func TestBackupHowTo(t *testing.T) {
	t.Parallel()
	const document = "docs/how-to/backup-and-restore.md"
	dir, bin, socket := t.TempDir(), t.TempDir(), shortPath(t)
	must(t, os.Symlink(os.Getenv(binaryVariable), filepath.Join(bin, "aimdb")))
	run := func(heading string) string {
		t.Helper()
		script := strings.Join(shellLines(t, document, heading), "\n")
		cmd := exec.Command("sh", "-ec", script)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if err != nil || script == "" {
			t.Fatalf("%s: %v\n%s\n%s", heading, err, script, out)
		}
		return string(out)
	}
	data := filepath.Join(dir, "aimdb-data")
	d := startServe(t, socket, "--data", data)
	set := func(n int) {
		t.Helper()
		aimdbIn(t, fmt.Sprint(n), "produce", "room", "--connect", socket).ok(t)
	}
	stored := func(n int) {
		t.Helper()
		soon(t, fmt.Sprintf("%d rows are stored", n), func() bool {
			return strings.Count(aimdb(t, "history", "export", filepath.Join(data, "history.db")).ok(t), "\n") == n
		})
	}
	set(1)
	stored(1)
	if out := run("Do it by hand"); strings.Count(out, "history-") != 3 {
		t.Errorf("by hand:\n%s", out)
	}
	set(2)
	stored(2)
	must(t, d.cmd.Process.Signal(syscall.SIGTERM))
	<-d.ended
	run("Restore")
	d = startServe(t, socket, "--data", data)
	stored(2)
	must(t, d.cmd.Process.Signal(syscall.SIGTERM))
	<-d.ended
	aimdb(t, "verify", data).ok(t)
}
