//go:build unix

package main

import (
	"fmt"
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
	dir, socket := t.TempDir(), shortPath(t)
	run := func(heading string) (out string) {
		t.Helper()
		for _, b := range blocksOf(t, document, heading, "sh") {
			out += shellIn(t, dir, "bash", "set -e\n"+b.text)
		}
		return out
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
	aimdb(t, "backup", "now", filepath.Join(data, "history.db"), filepath.Join(data, "backups")).ok(t)
	if out := run("Files"); !strings.Contains(out, "the newest of 1") {
		t.Errorf("the doctor does not say how old the backup is:\n%s", out)
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
	into := strings.TrimSpace(blocksOf(t, document, "Into a second directory", "sh")[0].text)
	out := shellIn(t, dir, "bash", "set -e\n"+into+" || test $? -eq 3") // the last command says what is missing
	if !strings.Contains(out, "this is a copy, or the log was deleted. Values after sequence ") || !strings.Contains(out, "all of that is known: the history has 1 row,") {
		t.Errorf("in a second directory:\n%s", out)
	}
	second := filepath.Join(dir, "second")
	d = startServe(t, socket, "--data", second)
	must(t, d.cmd.Process.Signal(syscall.SIGTERM))
	<-d.ended
	aimdb(t, "verify", second).fails(t, exitLost, "")
}
