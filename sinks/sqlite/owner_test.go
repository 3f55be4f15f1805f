package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// cell reads one value with a connection of its own.
func cell(t *testing.T, path, query string) (answer string) {
	t.Helper()
	if err := another(t, path).QueryRowContext(t.Context(), query).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

const isClean = "SELECT value FROM aimdb_meta WHERE key = 'clean'"

func TestASecondOpenIsRefusedBeforeItChangesAnything(t *testing.T) {
	path := file(t)
	s, stop := startStop(t, path)
	write(t, s, batch(1, entry("a", 1, "1")))
	// What an opening would do something about.
	current := cell(t, path, "SELECT value FROM aimdb_meta WHERE key = 'schema_version'")
	change(t, path, "DROP INDEX idx_record_time", "UPDATE aimdb_meta SET value = '3' WHERE key = 'schema_version'")
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{path, link} {
		_, err := sqlite.Open(other, sqlite.BusyTimeout(0))
		if !errors.Is(err, sqlite.ErrInUse) || !strings.Contains(err.Error(), path+".lock") {
			t.Errorf("open %s: %v", other, err)
		}
	}
	if _, err := sqlite.Open(path, sqlite.Beside(), sqlite.BusyTimeout(0)); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("a command on a file that is not up to date: %v", err)
	}
	if _, err := sqlite.Compact(t.Context(), path, sqlite.BusyTimeout(0)); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("compact: %v", err)
	}
	if got := cell(t, path, isClean); got != "0" {
		t.Errorf("the running file is marked as left in good order: %q", got)
	}
	if got := cell(t, path, "SELECT count(*) FROM sqlite_schema WHERE name = 'idx_record_time'"); got != "0" {
		t.Error("the refused one made the index")
	}
	stop()
	if got := cell(t, path, isClean); got != "1" {
		t.Errorf("after a clean stop the mark is %q", got)
	}
	if _, err := os.Stat(path + ".lock"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the lock file is left: %v", err)
	}
	change(t, path, "UPDATE aimdb_meta SET value = '"+current+"' WHERE key = 'schema_version'")
	if err := os.WriteFile(path+".lock", nil, 0o600); err != nil { // as a kill leaves it
		t.Fatal(err)
	}
	start(t, path)
}

func TestACommandWritesBesideADatabase(t *testing.T) {
	path := file(t)
	s := start(t, path)
	write(t, s, batch(1, numbered(700)...))
	beside, end := startStop(t, path, sqlite.Beside(), sqlite.BusyTimeout(0))
	report, err := beside.Import(t.Context(), each(history.Row{Record: "r0", Time: 5000, Value: []byte("1")}))
	if err != nil || report.Added != 1 {
		t.Errorf("import: %+v, %v", report, err)
	}
	pruned, err := beside.Prune(t.Context(), history.PrunePlan{Keep: []history.Keep{{Record: "r1", MaxRows: 1}}})
	if err != nil || pruned.Rows != 99 {
		t.Errorf("prune: %+v, %v", pruned, err)
	}
	end()
	if got := cell(t, path, isClean); got != "0" {
		t.Errorf("the command marked a running file as left in good order: %q", got)
	}
	write(t, s, batch(701, entry("r0", 6000, "2")))
	if checked, err := s.Check(t.Context()); err != nil || len(checked.Problems) > 0 || checked.Rows != 603 {
		t.Errorf("check: %+v, %v", checked, err)
	}
}

func TestACommandKeepsNoDatabaseFromStarting(t *testing.T) {
	path := file(t)
	beside := start(t, path, sqlite.Beside())
	s, stop := startStop(t, path, sqlite.BusyTimeout(0))
	write(t, s, batch(1, entry("a", 1, "1")))
	same(t, everything(t, beside), "a 1 1")
	stop()
}

func TestACommandMovesNothingAside(t *testing.T) {
	path := broken(t)
	if _, err := sqlite.Open(path, sqlite.Beside()); !errors.Is(err, sqlite.ErrCorrupt) {
		t.Errorf("open: %v", err)
	}
	if files, err := filepath.Glob(path + ".*"); err != nil || len(files) > 0 {
		t.Errorf("beside the file there is %v, %v", files, err)
	}
}

func TestADroppedIndexIsMadeAgain(t *testing.T) {
	path := file(t)
	s, stop := startStop(t, path)
	write(t, s, batch(1, numbered(100)...))
	stop()
	change(t, path, "DROP INDEX idx_record_time")
	s = start(t, path)
	report, err := s.Check(t.Context())
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("check: %+v, %v", report, err)
	}
}

// each makes a sequence of rows that are there already.
func each(rows ...history.Row) func(func(history.Row, error) bool) {
	return func(yield func(history.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}
