package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// made makes a database with plain SQL and closes it.
func made(t testing.TB, statements ...string) string {
	t.Helper()
	path := file(t)
	change(t, path, statements...)
	return path
}

func change(t testing.TB, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
}

// upstream is a file of schema version 0, as upstream writes it.
func upstream(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/version0.sql")
	if err != nil {
		t.Fatal(err)
	}
	return made(t, string(text))
}

func TestOpenRefusesAndLeavesUntouched(t *testing.T) {
	newer, stop := startStop(t, file(t))
	path := newer.Path()
	stop()
	change(t, path, "UPDATE aimdb_meta SET value = '99' WHERE key = 'schema_version'")
	text := file(t)
	if err := os.WriteFile(text, []byte(strings.Repeat("this is a letter, not a database. ", 200)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path string
		want error
	}{
		"newer":           {path, sqlite.ErrNewer},
		"not SQLite":      {text, sqlite.ErrNotDatabase},
		"another program": {made(t, "CREATE TABLE customers (name)"), sqlite.ErrForeign},
		"other columns":   {made(t, "CREATE TABLE record_history (id, name)"), sqlite.ErrForeign},
	} {
		before, err := os.ReadFile(c.path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sqlite.Open(c.path); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := sqlite.OpenReadOnly(c.path); !errors.Is(err, c.want) {
			t.Errorf("%s, reading: %v", name, err)
		}
		after, err := os.ReadFile(c.path)
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: the file changed, %v", name, err)
		}
		// Reading a file in WAL mode may leave an empty log beside it.
		if info, err := os.Stat(c.path + "-wal"); err == nil && info.Size() > 0 {
			t.Errorf("%s: there are %d bytes in a write-ahead log now", name, info.Size())
		}
	}
}

func TestOpenNamesWhatIsInTheWay(t *testing.T) {
	if _, err := sqlite.Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := sqlite.OpenReadOnly(filepath.Join(t.TempDir(), "none.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestUpstreamFileOpensAsItIs(t *testing.T) {
	path := upstream(t)
	reading, err := sqlite.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	want := everything(t, reading)
	all := history.RangeQuery{Pattern: pattern(t, "#"), Total: 2}
	if page, err := history.ReadPage(t.Context(), reading, history.PageQuery{RangeQuery: all}); err != nil || page.Next == "" {
		t.Errorf("page: %q, %v", page.Next, err)
	}
	stats, err := reading.Stats(t.Context())
	if err != nil || stats.Rows != 5 {
		t.Errorf("stats: %+v, %v", stats, err)
	}
	if file, err := reading.FileStats(t.Context()); err != nil || file.Shrinks {
		t.Errorf("file: %+v, %v", file, err)
	}
	if p, err := reading.Position(t.Context()); err != nil || p.MaxID != 5 {
		t.Errorf("position: %+v, %v", p, err)
	}
	if err := reading.Write(t.Context(), batch(1)); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("write: %v", err)
	}
	if err := reading.Close(); err != nil {
		t.Fatal(err)
	}

	var said bytes.Buffer
	s := start(t, path, sqlite.Logger(slog.New(slog.NewTextHandler(&said, nil))))
	same(t, everything(t, s), want...)
	if strings.Count(said.String(), "history compact") != 1 {
		t.Errorf("not said once that the file cannot shrink: %s", &said)
	}
	write(t, s, batch(1, entry("temp::vienna", 1, "1")))
	if stats, err = s.Stats(t.Context()); err != nil || stats.Rows != 6 {
		t.Errorf("stats: %+v, %v", stats, err)
	}
	if _, err := s.Prune(t.Context(), history.PrunePlan{Keep: []history.Keep{{Record: "temp::vienna", MaxRows: 1}}}); err != nil {
		t.Error(err)
	}
	report, err := s.Check(t.Context())
	if err != nil || len(report.Problems) != 1 || !strings.Contains(report.Problems[0], "no JSON") {
		t.Errorf("check: %+v, %v", report, err) // the fixture has one broken row
	}
}

// broken writes over the middle of a file, so that its structure is damaged
// but its first page is not.
func broken(t *testing.T) string {
	t.Helper()
	s, stop := startStop(t, file(t))
	write(t, s, batch(1, numbered(5000)...))
	path := s.Path()
	stop()
	change(t, path, "UPDATE aimdb_meta SET value = '0' WHERE key = 'clean'")
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, 40_000), 100_000); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDamagedFileIsMovedAside(t *testing.T) {
	path := broken(t)
	if _, err := sqlite.Open(path, sqlite.Strict()); !errors.Is(err, sqlite.ErrCorrupt) {
		t.Fatalf("strict: %v", err)
	}
	var said bytes.Buffer
	s := start(t, path, sqlite.Logger(slog.New(slog.NewTextHandler(&said, nil))))
	if !strings.Contains(said.String(), "level=ERROR") || !strings.Contains(said.String(), "corrupt-") {
		t.Errorf("not said loudly: %s", &said)
	}
	if aside, _ := filepath.Glob(path + ".corrupt-*"); len(aside) != 1 {
		t.Errorf("moved aside: %v", aside)
	}
	if c, err := s.Checkpoint(t.Context()); err != nil || c != (history.Position{}) {
		t.Errorf("checkpoint %v, %v: the log would not fill the new file", c, err)
	}
	write(t, s, batch(1, entry("a", 1, "1")))
	same(t, everything(t, s), "a 1 1")
}

func TestDamagedFirstPageIsDamageToo(t *testing.T) {
	path := broken(t)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 4096), 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(path, sqlite.Strict()); !errors.Is(err, sqlite.ErrCorrupt) {
		t.Errorf("%v", err)
	}
}

func TestNamesWithSQLAreOnlyNames(t *testing.T) {
	s := start(t, file(t))
	name := `x;DROP/**/TABLE/**/record_history--`
	write(t, s, batch(1, entry(name, 1, "1"), entry("y", 1, "2")))
	same(t, texts(t, s.Latest(t.Context(), history.LatestQuery{Pattern: key.WirePattern(name), Limit: 1})), name+" 1 1")
	same(t, everything(t, s), name+" 1 1", "y 1 2")
}

// The columns of the tables prove the version of a schema, so that an entry that is damaged
// does no harm. Other columns are damage.
func TestOpenOfADamagedSchema(t *testing.T) {
	for statement, corrupt := range map[string]bool{
		"UPDATE aimdb_meta SET value = '<' WHERE key = 'schema_version'":            false,
		"UPDATE aimdb_meta SET key = 'schema_versioo' WHERE key = 'schema_version'": false,
		"ALTER TABLE aimdb_meta RENAME COLUMN value TO valum":                       true,
		"ALTER TABLE aimdb_hole RENAME TO aimdb_hold":                               true,
	} {
		path := file(t)
		s, stop := startStop(t, path)
		write(t, s, batch(1, numbered(10)...))
		stop()
		change(t, path, statement)
		s, err := sqlite.Open(path, sqlite.Strict())
		if errors.Is(err, sqlite.ErrCorrupt) != corrupt {
			t.Errorf("%s: %v", statement, err)
		}
		if err == nil {
			clean(t, s, 10, 0)
			must(t, s.Close())
		}
	}
}
