package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// TestCopyIsProved: a copy says what it has. One of a history with a damaged row gets no
// name, and leaves nothing.
func TestCopyIsProved(t *testing.T) {
	s := start(t, file(t))
	write(t, s, batch(1, numbered(500)...))
	dir := t.TempDir()
	to := filepath.Join(dir, "copy.db")
	c, err := s.Copy(t.Context(), to)
	at, failed := s.Checkpoint(t.Context())
	if err = errors.Join(err, failed); err != nil || c.Rows != 500 || c.Position != at || c.Bytes == 0 {
		t.Errorf("the copy has %+v, %v, and the history is at %+v", c, err, at)
	}
	if again, err := sqlite.ReadCopy(t.Context(), to); err != nil || again != c {
		t.Errorf("read again: %+v, %v", again, err)
	}
	change(t, s.Path(), "UPDATE record_history SET value_json = '9' WHERE id = 7")
	if _, err := s.Copy(t.Context(), filepath.Join(dir, "bad.db")); !errors.Is(err, sqlite.ErrCorrupt) {
		t.Errorf("a damaged row: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("left are %v, %v", left, err)
	}
}
