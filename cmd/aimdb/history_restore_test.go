package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// killed returns a history as a kill leaves it: its rows lie in the write-ahead
// log.
func killed(t *testing.T, rows int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.db")
	var entries []sinks.Entry
	for i := range rows {
		entries = append(entries, sinks.Entry{Sequence: uint64(i + 1), Record: "old", Time: int64(i), Value: []byte("1")})
	}
	withStore(t, filepath.Join(t.TempDir(), "running.db"), func(s *sqlite.Store) {
		for some := range slices.Chunk(entries, 20) {
			last := some[len(some)-1].Sequence
			if err := sinktest.Append(t.Context(), s, &sinks.Batch{Entries: some, Checkpoint: history.Position{Log: "test", Sequence: last}}); err != nil {
				t.Fatal(err)
			}
		}
		for _, suffix := range []string{"", "-wal"} {
			copyFile(t, s.Path()+suffix, path+suffix)
		}
	})
	return path
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// beside lists what lies beside a file, by what follows its name.
func beside(t *testing.T, path string) (suffixes []string) {
	t.Helper()
	files, err := filepath.Glob(path + "?*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		suffixes = append(suffixes, strings.TrimPrefix(f, path))
	}
	return suffixes
}

// inspectFile returns the number of rows of a history without any damage.
func inspectFile(t *testing.T, path string) int64 {
	t.Helper()
	s, err := sqlite.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	report, err := s.Check(t.Context())
	if err != nil || len(report.Problems) > 0 {
		t.Fatalf("check %s: %v, %v", path, report.Problems, err)
	}
	return report.Rows
}

// TestRestoreAfterAKill: a hub is killed while it writes, and its history goes
// back to a backup from before. Copied over the file, the backup would be lost
// to the write-ahead log. What the log of the hub still holds comes back.
func TestRestoreAfterAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db, backup := filepath.Join(dir, "history.db"), filepath.Join(t.TempDir(), "backup.db")
	d := startDemo(t, dir, "--pace", "5ms")
	watch := func(n string) {
		aimdb(t, "record", "watch", "accuracy::*", "--count", n, "--connect", d.socket).ok(t)
	}
	soon(t, "some rows are stored", func() bool {
		return strings.Count(aimdb(t, "history", "export", db).ok(t), "\n") >= 4
	})
	r := aimdb(t, "history", "backup", db, backup, "--verify")
	if r.ok(t); !strings.Contains(r.stderr, "verified "+backup) {
		t.Errorf("backup says %q", r.stderr)
	}
	watch("50")
	before := aimdb(t, "history", "export", db).ok(t)
	r = aimdb(t, "history", "restore", backup, db)
	r.fails(t, exitFailed, "in use by another process", db+".lock")
	if after := aimdb(t, "history", "export", db).ok(t); !strings.HasPrefix(after, before) {
		t.Error("a restore that was refused has changed the running history")
	}
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-d.ended
	if info, err := os.Stat(db + "-wal"); err != nil || info.Size() == 0 {
		t.Fatalf("the kill left no write-ahead log: %v", err)
	}
	want := aimdb(t, "history", "export", backup).ok(t)
	aimdb(t, "history", "restore", backup, db).ok(t)
	if left := beside(t, db); len(left) > 0 {
		t.Errorf("beside the restored history there is %v", left)
	}
	if got := aimdb(t, "history", "export", db).ok(t); got != want || strings.Count(want, "\n") < 4 {
		t.Errorf("restored are %d bytes of rows, and the backup has %d", len(got), len(want))
	}
	startDemo(t, dir, "--steps", "0").stop(t)
	if got := aimdb(t, "history", "export", db).ok(t); strings.Count(got, "\n") < strings.Count(before, "\n") {
		t.Errorf("the log brought back %d rows, there were %d", strings.Count(got, "\n"), strings.Count(before, "\n"))
	}
	inspectFile(t, db)
}

// TestRestoreIsKilled: whenever that happens, there is the whole old history or
// the whole new one, and the next restore succeeds.
func TestRestoreIsKilled(t *testing.T) {
	t.Parallel()
	const oldRows, newRows = 300, 30_000
	backup := historyFile(t, newRows)
	exists := func(path string) bool {
		_, err := os.Stat(path)
		return err == nil
	}
	for name, now := range map[string]func(db string, began time.Time) bool{
		"while it verifies":          func(_ string, began time.Time) bool { return time.Since(began) > 60*time.Millisecond },
		"when the log is taken over": func(db string, _ time.Time) bool { return !exists(db + "-wal") },
		"when the copy begins":       func(db string, _ time.Time) bool { return exists(db + ".restoring") },
		"in the middle of the copy": func(db string, _ time.Time) bool {
			info, err := os.Stat(db + ".restoring")
			return err == nil && info.Size() > 1<<20
		},
		"when the copy is swapped in": func(db string, _ time.Time) bool {
			info, err := os.Stat(db)
			return err == nil && info.Size() > 1<<20
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := killed(t, oldRows)
			if rows := killRestore(t, backup, db, now); rows != oldRows && rows != newRows {
				t.Fatalf("the history has %d rows, and not %d or %d", rows, oldRows, newRows)
			}
			aimdb(t, "history", "restore", backup, db).ok(t)
			if rows := inspectFile(t, db); rows != newRows {
				t.Errorf("restored are %d rows, want %d", rows, newRows)
			}
			for _, left := range beside(t, db) {
				if left != "-wal" && left != "-shm" { // of the look at it
					t.Errorf("%s is left", left)
				}
			}
		})
	}
}

// killRestore kills a restore at some time, or sees it end before, and returns
// how many rows there are then.
func killRestore(t *testing.T, backup, db string, now func(string, time.Time) bool) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, os.Getenv(binaryVariable), "history", "restore", backup, db)
	cmd.Stderr = &stderr
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for !now(db, began) {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("restore: %v\n%s", err, stderr.String())
			}
			return inspectFile(t, db)
		default:
		}
	}
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	<-ended
	return inspectFile(t, db)
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	db, good := historyFile(t, 30), historyFile(t, 60)
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	damaged := filepath.Join(dir, "damaged.db")
	copyFile(t, historyFile(t, 3000), damaged)
	damageAt(t, damaged, 20_480, 8192)
	foreign := filepath.Join(dir, "foreign.db")
	change(t, foreign, "CREATE TABLE customers (name)")
	text := file("notes.txt", strings.Repeat("not a database ", 300))
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(db, link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		backup, db string
		code       int
		says       string
	}{
		{damaged, db, exitFailed, "nothing was changed"},
		{foreign, db, exitFailed, "another program"},
		{text, db, exitFailed, "not a SQLite database"},
		{file("empty.db", ""), db, exitFailed, "empty"},
		{filepath.Join(dir, "absent.db"), db, exitFailed, "absent.db"},
		{dir, db, exitFailed, "is a directory"},
		{"unix:///tmp/none.sock", db, exitUsage, "file"},
		{good, "unix:///tmp/none.sock", exitUsage, "file"},
		{good, foreign, exitFailed, "another program"},
		{good, text, exitFailed, "not a SQLite database"},
		{good, dir, exitFailed, "directory"},
		{db, link, exitFailed, "one file"},
	} {
		before := snapshot(t, c.db)
		aimdb(t, "history", "restore", c.backup, c.db).fails(t, c.code, c.says)
		if after := snapshot(t, c.db); after != before {
			t.Errorf("restore of %s to %s changed it", c.backup, c.db)
		}
		for _, left := range beside(t, c.db) {
			if left != "-shm" { // which any look at a history may leave
				t.Errorf("restore of %s to %s left %v", c.backup, c.db, left)
			}
		}
	}
	if n := inspectFile(t, db); n != 30 {
		t.Errorf("%d rows are left", n)
	}
	aimdb(t, "history", "restore", good).fails(t, exitUsage, "2 arguments")
}

func snapshot(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if info, failed := os.Stat(path); failed == nil && info.IsDir() || errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// damageAt overwrites a part of a file.
func damageAt(t *testing.T, path string, at int64, bytes int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(strings.Repeat("\xa5", bytes)), at); err != nil {
		t.Fatal(err)
	}
}

// A process that has a history open without being its owner, as upstream has,
// is in the way too.
func TestRestoreRefusesAFileThatSomebodyReads(t *testing.T) {
	t.Parallel()
	db, backup := historyFile(t, 30), historyFile(t, 60)
	other, err := sql.Open("sqlite", "file:"+db)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var n int
	if err := other.QueryRow("SELECT count(*) FROM record_history").Scan(&n); err != nil {
		t.Fatal(err)
	}
	aimdb(t, "history", "restore", backup, db).fails(t, exitFailed, "another process has it open")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	aimdb(t, "history", "restore", backup, db).ok(t)
	if n := inspectFile(t, db); n != 60 {
		t.Errorf("%d rows", n)
	}
}

// A history that is damaged is what a backup is for.
func TestRestoreOverADamagedHistory(t *testing.T) {
	t.Parallel()
	backup := historyFile(t, 60)
	for name, damage := range map[string]func(path string){
		"the middle":     func(path string) { damageAt(t, path, 4096, 8192) },
		"the first page": func(path string) { damageAt(t, path, 16, 4000) },
		"all of it":      func(path string) { truncate(t, path, 0) },
		"the end":        func(path string) { truncate(t, path, 5000) },
		"the log":        func(path string) { damageAt(t, path+"-wal", 0, 60_000) },
	} {
		t.Run(name, func(t *testing.T) {
			db := killed(t, 300)
			damage(db)
			aimdb(t, "history", "restore", backup, db).ok(t)
			if n := inspectFile(t, db); n != 60 {
				t.Errorf("%d rows", n)
			}
		})
	}
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

// TestFilesOfAHistoryArePrivate: nobody but its user reads a history, unless the
// user has said so.
func TestFilesOfAHistoryArePrivate(t *testing.T) {
	from := historyFile(t, 30)
	rows := aimdb(t, "history", "export", from).ok(t)
	dir := filepath.Join(t.TempDir(), "a", "b")
	restored, imported := filepath.Join(dir, "restored.db"), filepath.Join(dir, "c", "imported.db")
	aimdb(t, "history", "restore", from, restored).ok(t)
	aimdb(t, "history", "backup", restored, restored+".backup").ok(t)
	aimdbIn(t, rows, "history", "import", imported).ok(t)
	aimdb(t, "history", "compact", imported).ok(t)
	for path, want := range map[string]os.FileMode{
		filepath.Dir(dir): os.ModeDir | 0o700, dir: os.ModeDir | 0o700, restored: 0o600, restored + ".backup": 0o600,
		filepath.Dir(imported): os.ModeDir | 0o700, imported: 0o600, from: 0o600,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
		}
	}
	// A mode that was given stays, and a link leads to the new history.
	if err := os.Chmod(restored, 0o640); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(restored, link); err != nil {
		t.Fatal(err)
	}
	aimdb(t, "history", "restore", historyFile(t, 60), link).ok(t)
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link has become %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(restored); err != nil || info.Mode() != 0o640 || inspectFile(t, restored) != 60 {
		t.Errorf("restored through a link: %v, %v", info.Mode(), err)
	}
}

// The files of a running hub are private too, also those that come and go.
func TestFilesOfARunningHubArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	d := startDemo(t, dir, "--pace", "5ms")
	defer d.stop(t)
	aimdb(t, "record", "watch", "accuracy::*", "--count", "4", "--connect", d.socket).ok(t)
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		if info, err := os.Stat(filepath.Join(dir, "history.db"+suffix)); err != nil || info.Mode() != 0o600 {
			t.Errorf("history.db%s: %v, %v", suffix, info, err)
		}
	}
}
