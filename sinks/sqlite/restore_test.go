package sqlite_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func TestVerify(t *testing.T) {
	s, stop := startStop(t, file(t))
	write(t, s, batch(1, numbered(1000)...))
	if err := sqlite.Verify(t.Context(), s.Path()); err != nil {
		t.Errorf("a history that is in use: %v", err)
	}
	stop()
	if err := sqlite.Verify(t.Context(), broken(t)); !errors.Is(err, sqlite.ErrCorrupt) {
		t.Errorf("a damaged history: %v", err)
	}
	change(t, s.Path(), "DROP INDEX idx_record_time")
	if err := sqlite.Verify(t.Context(), s.Path()); !errors.Is(err, sqlite.ErrCorrupt) || !strings.Contains(err.Error(), "idx_record_time") {
		t.Errorf("a history without its index: %v", err)
	}
	if err := sqlite.Verify(t.Context(), made(t, "CREATE TABLE customers (name)")); !errors.Is(err, sqlite.ErrForeign) {
		t.Errorf("another database: %v", err)
	}
}

func TestRestoreKeepsAHistoryThatIsOpen(t *testing.T) {
	from, stop := startStop(t, file(t))
	write(t, from, batch(1, entry("a", 1, "1")))
	stop()
	s, end := startStop(t, file(t))
	write(t, s, batch(1, entry("b", 2, "2")))
	if err := sqlite.Restore(t.Context(), from.Path(), s.Path(), sqlite.BusyTimeout(0)); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("restore to an open history: %v", err)
	}
	write(t, s, batch(2, entry("b", 3, "3")))
	end()
	if err := sqlite.Restore(t.Context(), from.Path(), s.Path()); err != nil {
		t.Fatal(err)
	}
	same(t, everything(t, start(t, s.Path())), "a 1 1")
}

// SQLite deletes the write-ahead log of an empty file without a word, and the
// rows in it.
func TestAnEmptyFileWithALogIsDamaged(t *testing.T) {
	s, stop := startStop(t, file(t))
	write(t, s, batch(1, numbered(100)...))
	path := file(t)
	log, err := os.ReadFile(s.Path() + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	for suffix, data := range map[string][]byte{"": nil, "-wal": log} { // as a kill leaves them
		if err := os.WriteFile(path+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if _, err := sqlite.Open(path, sqlite.Strict()); !errors.Is(err, sqlite.ErrCorrupt) {
		t.Fatalf("strict: %v", err)
	}
	if _, err := sqlite.OpenReadOnly(path); !errors.Is(err, sqlite.ErrCorrupt) {
		t.Errorf("reading: %v", err)
	}
	var said logged
	same(t, everything(t, start(t, path, sqlite.Logger(slog.New(slog.NewTextHandler(&said, nil))))))
	aside, err := filepath.Glob(path + ".corrupt-*-wal")
	if err != nil || len(aside) != 1 || said.count("moved aside") != 1 {
		t.Errorf("moved aside: %v, %v; said: %s", aside, err, said.String())
	}
}
