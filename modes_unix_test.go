//go:build unix

package aimdb_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
)

// What a database makes in its directory is for its user alone. The files within
// the log are the server's and have modes of its own; their directory is closed.
func TestADirectoryIsForItsUserAlone(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := filepath.Join(t.TempDir(), "new", "data")
	db, err := aimdb.New(aimdb.Dir(dir)) // makes the directory itself
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	session(t, dir, 0, 10)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	paths := []string{dir, filepath.Dir(dir)}
	for _, e := range entries {
		paths = append(paths, filepath.Join(dir, e.Name()))
	}
	if len(paths) < 6 {
		t.Errorf("only %v", paths)
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
	}
}
