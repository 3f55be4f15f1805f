package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/parquet"
)

// oddHistory makes a history with keys and values that need care.
func oddHistory(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.db")
	var entries []sinks.Entry
	for i, record := range []string{"a::b", "c.d", "Upper", "upper", "grün::ñ", "x/y", "日本", strings.Repeat("ü", 100)} {
		for n, value := range []string{`{ "a" : 1.0, "a":2 }`, `"\u00e9é"`, "1e400", "12345678901234567890.5", `null`} {
			entries = append(entries, sinks.Entry{Sequence: uint64(len(entries) + 1), Record: record, Time: base + int64(i+n)*40_000_000, Value: []byte(value)})
		}
	}
	fillHistory(t, path, entries)
	return path
}

// TestParquetMoves: a directory, a file and a pipe have all rows, byte for byte.
func TestParquetMoves(t *testing.T) {
	from := oddHistory(t)
	sorted := func(db string) []string {
		return slices.Sorted(strings.Lines(aimdb(t, "history", "export", db).ok(t)))
	}
	want := sorted(from)
	dir := t.TempDir()
	for name, export := range map[string]func(to string){
		"cold":        func(to string) { aimdb(t, "history", "export", from, "--format", "parquet", "-o", to).ok(t) },
		"all.parquet": func(to string) { aimdb(t, "history", "export", from, "-o", to).ok(t) },
		"pipe.parquet": func(to string) {
			out := aimdb(t, "history", "export", from, "--format", "parquet").ok(t)
			if err := os.WriteFile(to, []byte(out), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			to, db := filepath.Join(dir, name), filepath.Join(dir, name+".db")
			export(to)
			for range 2 {
				aimdb(t, "history", "import", db, to).ok(t)
				if got := sorted(db); !slices.Equal(got, want) {
					t.Errorf("%d rows, not the %d of the original", len(got), len(want))
				}
			}
		})
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*partial*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	some := filepath.Join(dir, "some")
	aimdb(t, "history", "export", from, "c.d", "--format", "parquet", "-o", some).ok(t)
	if records, err := os.ReadDir(some); err != nil || len(records) != 1 || records[0].Name() != "record=c.d" {
		t.Errorf("the export of one record has %v, %v", records, err)
	}
}

func TestParquetOfAnEmptyHistory(t *testing.T) {
	dir := t.TempDir()
	db, file := filepath.Join(dir, "empty.db"), filepath.Join(dir, "empty.parquet")
	fillHistory(t, db, nil)
	aimdb(t, "history", "export", db, "-o", file).ok(t)
	if r := aimdb(t, "history", "import", db, file); !strings.Contains(r.ok(t)+r.stderr, "0 rows added") {
		t.Error(r.stderr)
	}
	aimdb(t, "history", "export", db, "--format", "parquet", "-o", filepath.Join(dir, "cold")).ok(t)
}

func TestParquetRefuses(t *testing.T) {
	db, dir := historyFile(t, 3), t.TempDir()
	full := filepath.Join(dir, "full")
	if err := os.MkdirAll(filepath.Join(full, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	aimdb(t, "history", "export", db, "--format", "parquet", "-o", full).fails(t, exitFailed, "is not empty")
	aimdb(t, "history", "export", db, "--format", "parquet", "-o", db).fails(t, exitFailed, "history.db")
	absent := filepath.Join(dir, "absent.db")
	aimdb(t, "history", "export", absent, "--format", "parquet", "-o", filepath.Join(dir, "cold")).fails(t, exitFailed, "absent.db")
	aimdbIn(t, "PAR1", "history", "import", db, "--format", "parquet").fails(t, exitFailed, "name the file")
	aimdb(t, "history", "import", db, full).fails(t, exitFailed, "no file")
	cut := filepath.Join(dir, "cut.parquet")
	if err := os.WriteFile(cut, []byte("PAR1 and no footer"), 0o600); err != nil {
		t.Fatal(err)
	}
	aimdb(t, "history", "import", db, cut).fails(t, exitFailed, "cut.parquet")
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestParquetSinkImport: the directory of a sink is imported with what it has staged.
func TestParquetSinkImport(t *testing.T) {
	dir, db := t.TempDir(), filepath.Join(t.TempDir(), "copy.db")
	s, err := parquet.Open(t.Context(), parquet.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n <= 3; n++ {
		b := &sinks.Batch{Checkpoint: history.Position{Log: "log", Sequence: n}}
		if n > 1 {
			b.Previous = history.Position{Log: "log", Sequence: n - 1}
		}
		b.Entries = []sinks.Entry{{Sequence: n, Record: "a", Time: base, Value: []byte("1")}}
		if err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if n == 2 {
			if err := s.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r := aimdb(t, "history", "import", db, dir)
	if r.ok(t); !strings.Contains(r.stderr, "3 rows added, 0 were there already") {
		t.Error(r.stderr)
	}
}
