//go:build unix

package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"
)

// What a history is made of is nobody else's to read.
func TestNewFilesArePrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	path, copied := filepath.Join(dir, "history.db"), filepath.Join(dir, "copy.db")
	s := start(t, path)
	write(t, s, batch(1, numbered(100)...))
	if err := s.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{
		filepath.Dir(dir): 0o700, dir: 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600, path + ".lock": 0o600, copied: 0o600,
	} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has the mode %o, want %o", name, got, want)
		}
	}
}

// A file that is there keeps its mode.
func TestAFileKeepsItsMode(t *testing.T) {
	path := file(t)
	_, stop := startStop(t, path)
	stop()
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	s := start(t, path)
	write(t, s, batch(1, entry("a", 1, "1")))
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}
