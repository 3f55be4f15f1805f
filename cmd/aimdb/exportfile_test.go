package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExportReplacesNoDatabase: whatever name leads to one.
func TestExportReplacesNoDatabase(t *testing.T) {
	db, other := historyFile(t, 30), historyFile(t, 60)
	socket, _ := serveHistory(t, other)
	dir := t.TempDir()
	name := func(make func(string, string) error, of, as string) string {
		path := filepath.Join(dir, as)
		if err := make(of, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := name(os.Symlink, db, "link.ndjson")
	for _, c := range []struct{ source, output, says string }{
		{db, db, "is the history that is exported"},
		{db, name(os.Symlink, link, "link of a link"), "is the history that is exported"},
		{db, name(os.Link, db, "hard.ndjson"), "is the history that is exported"},
		{link, db, "is the history that is exported"},
		{db, other, "is a SQLite database"},
		{db, other + "-wal", "is a SQLite database"},
		{other, other + "-wal", "is the history that is exported"},
		{other, other + "-shm", "is the history that is exported"},
		{name(os.Symlink, other, "other link"), other + ".lock", "is the history that is exported"},
		{db, name(os.Symlink, other, "another.csv"), "is a SQLite database"},
		{db, name(os.Link, other, "hard.csv"), "is a SQLite database"},
		{socket, other, "is a SQLite database"},
		{db, dir, "is a directory"},
		{db, filepath.Join(db, "x"), "not a directory"},
		{filepath.Join(dir, "absent.db"), filepath.Join(dir, "new.csv"), "absent.db"},
	} {
		aimdb(t, "history", "export", c.source, "-o", c.output).fails(t, exitFailed, c.says)
	}
	for path, rows := range map[string]int64{db: 30, other: 60} {
		if n := inspectFile(t, path); n != rows {
			t.Errorf("%s has %d rows now", path, n)
		}
	}
	if partial, err := filepath.Glob(filepath.Join(dir, "*partial*")); err != nil || len(partial) > 0 {
		t.Errorf("left: %v, %v", partial, err)
	}
}

// TestExportKeepsWhatItReplaces: the mode of a file, the links to it, and its
// content if the export fails.
func TestExportKeepsWhatItReplaces(t *testing.T) {
	db := historyFile(t, 30)
	want := aimdb(t, "history", "export", db).ok(t)
	dir := t.TempDir()
	file, link, loose := filepath.Join(dir, "rows.ndjson"), filepath.Join(dir, "link"), filepath.Join(dir, "loose")
	if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o606); err != nil { // in spite of the umask
		t.Fatal(err)
	}
	for to, path := range map[string]string{"rows.ndjson": link, "new.ndjson": loose} {
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
	}
	damaged := filepath.Join(dir, "damaged.db")
	copyFile(t, historyFile(t, 3000), damaged)
	damageAt(t, damaged, 40_960, 200_000)
	aimdb(t, "history", "export", damaged, "-o", file).fails(t, exitFailed, "damaged")
	if got := snapshot(t, file); got != "old" {
		t.Errorf("after an export that failed there is %.100q", got)
	}
	for _, output := range []string{file, link, loose} {
		aimdb(t, "history", "export", db, "-o", output).ok(t)
		if got := snapshot(t, output); got != want {
			t.Errorf("%s has %d bytes, want %d", output, len(got), len(want))
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "any"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	plain, err := os.Stat(filepath.Join(dir, "any")) // as the umask leaves it
	if err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{
		file: 0o606, link: os.ModeSymlink | 0o777, loose: os.ModeSymlink | 0o777, filepath.Join(dir, "new.ndjson"): plain.Mode(),
	} {
		if info, err := os.Lstat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, mode)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "partial") {
			t.Errorf("%s is left", e.Name())
		}
	}
}
