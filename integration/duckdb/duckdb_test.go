package duckdb

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/parquet"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

const (
	count = 20_000
	base  = 1_790_000_000_000
	// every is the time between two entries. They are spread over some days.
	every = 20_000
)

// row is what DuckDB and NDJSON say of an entry.
type row struct {
	Record string          `json:"record"`
	Time   int64           `json:"time"`
	Value  json.RawMessage `json:"value"`
}

func entry(n int) sinks.Entry {
	records := []string{"accuracy::vienna", "a.b", "Upper", "upper", "grün::ñ", "日本", "x/y=1%", strings.Repeat("ü", 100)}
	return sinks.Entry{
		Sequence: uint64(n), Record: records[n%len(records)], Time: base + int64(n)*every,
		Value: fmt.Appendf(nil, `{"n":%d, "city":"Köln \u00e9","e":%d.50}`, n, n%7),
	}
}

// written writes all entries into a sink, in batches.
func written(t *testing.T, s sinks.Sink) {
	t.Helper()
	at := history.Position{}
	for from := 1; from <= count; from += 1000 {
		b := &sinks.Batch{Previous: at, Checkpoint: history.Position{Log: "log", Sequence: uint64(from + 999)}}
		for n := from; n < from+1000; n++ {
			b.Entries = append(b.Entries, entry(n))
		}
		if err := s.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		at = b.Checkpoint
	}
}

// exported returns the files of two exports of one history: a directory of Parquet, a
// file of it, and NDJSON.
func exported(t *testing.T) (dir, file, lines string) {
	t.Helper()
	tmp := t.TempDir()
	db := filepath.Join(tmp, "history.db")
	s, err := sqlite.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	written(t, s)
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(tmp, "aimdb")
	run(t, "go", "-C", filepath.Join("..", ".."), "build", "-o", binary, "./cmd/aimdb")
	dir, file, lines = filepath.Join(tmp, "cold"), filepath.Join(tmp, "all.parquet"), filepath.Join(tmp, "all.ndjson")
	run(t, binary, "history", "export", db, "--format", "parquet", "-o", dir)
	run(t, binary, "history", "export", db, "-o", file)
	run(t, binary, "history", "export", db, "-o", lines)
	return dir, file, lines
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// openDuckDB opens a DuckDB in memory.
func openDuckDB(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// rowsOf reads Parquet with DuckDB, with a condition.
func rowsOf(t *testing.T, db *sql.DB, where string, args ...any) (all []row) {
	t.Helper()
	found, err := db.Query(`SELECT record_name, epoch_ms(stored_at), CAST(value_json AS VARCHAR) FROM `+where, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var r row
		var value string
		if err := found.Scan(&r.Record, &r.Time, &value); err != nil {
			t.Fatal(err)
		}
		r.Value = json.RawMessage(value)
		all = append(all, r)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func ndjson(t *testing.T, path string) (all []row) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var r row
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// same compares rows by record and time, which are no order of DuckDB's.
func same(t *testing.T, got, want []row) {
	t.Helper()
	order := func(a, b row) int {
		if c := strings.Compare(a.Record, b.Record); c != 0 {
			return c
		}
		return int(a.Time - b.Time)
	}
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if len(got) != len(want) || len(got) != count {
		t.Fatalf("DuckDB reads %d rows, %d were written", len(got), len(want))
	}
	for i, g := range got {
		if w := want[i]; g.Record != w.Record || g.Time != w.Time || !bytes.Equal(g.Value, w.Value) {
			t.Fatalf("DuckDB reads %+v, want %+v", g, w)
		}
	}
	t.Logf("DuckDB reads the same %d rows", len(got))
}

// TestExport: DuckDB reads from the exported directory and file what NDJSON has.
func TestExport(t *testing.T) {
	dir, file, lines := exported(t)
	db := openDuckDB(t)
	want := ndjson(t, lines)
	all := filepath.Join(dir, "record=*", "day=*", "*.parquet")
	same(t, rowsOf(t, db, "read_parquet(?, hive_partitioning = true)", all), want)
	same(t, rowsOf(t, db, "read_parquet(?)", file), want)
	partitions(t, db, all)
	columns(t, db, file)
}

// TestSink: DuckDB reads the directory of a sink, with sequences.
func TestSink(t *testing.T) {
	dir := t.TempDir()
	s, err := parquet.Open(t.Context(), parquet.Config{Dir: dir, RotateBytes: 20_000})
	if err != nil {
		t.Fatal(err)
	}
	written(t, s)
	if err := s.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db := openDuckDB(t)
	var want []row
	for n := 1; n <= count; n++ {
		e := entry(n)
		want = append(want, row{e.Record, e.Time, json.RawMessage(e.Value)})
	}
	all := filepath.Join(dir, "record=*", "day=*", "*.parquet")
	same(t, rowsOf(t, db, "read_parquet(?, hive_partitioning = true)", all), want)
	// `**` finds no file that is not whole.
	same(t, rowsOf(t, db, "read_parquet(?)", filepath.Join(dir, "**", "*.parquet")), want)
	partitions(t, db, all)
	var distinct, first, last int64
	if err := db.QueryRow(`SELECT count(DISTINCT sequence), min(sequence), max(sequence) FROM read_parquet(?)`, all).Scan(&distinct, &first, &last); err != nil {
		t.Fatal(err)
	}
	if distinct != count || first != 1 || last != count {
		t.Errorf("%d sequences from %d to %d", distinct, first, last)
	}
	manifest(t, db, dir)
}

// partitions checks what DuckDB takes from the names of the directories.
func partitions(t *testing.T, db *sql.DB, all string) {
	t.Helper()
	var days, wrongDay, wrongRecord int
	err := db.QueryRow(`SELECT count(DISTINCT day), count(*) FILTER (CAST(day AS VARCHAR) <> strftime(stored_at AT TIME ZONE 'UTC', '%Y-%m-%d')),
		count(*) FILTER (record <> record_name AND record NOT LIKE '%~%')
		FROM read_parquet(?, hive_partitioning = true)`, all).Scan(&days, &wrongDay, &wrongRecord)
	if err != nil {
		t.Fatal(err)
	}
	const perDay = 24 * 60 * 60 * 1000
	if want := (base+count*every)/perDay - (base+every)/perDay + 1; days != want || wrongDay+wrongRecord > 0 {
		t.Errorf("%d days, want %d; %d rows lie under another day and %d under another record", days, want, wrongDay, wrongRecord)
	}
	var record, kind string
	var n int
	if err := db.QueryRow(`SELECT any_value(record), any_value(typeof(day)), count(*) FROM read_parquet(?, hive_partitioning = true)
		WHERE record = 'accuracy::vienna' AND day = DATE '2026-09-22'`, all).Scan(&record, &kind, &n); err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Error("no row by record and day")
	}
	t.Logf("%d days; %d rows of %s on one day, whose type is %s", days, n, record, kind)
}

// columns logs and checks the types that DuckDB sees.
func columns(t *testing.T, db *sql.DB, file string) {
	t.Helper()
	found, err := db.Query(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(?))`, file)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	var got []string
	for found.Next() {
		var name, kind string
		if err := found.Scan(&name, &kind); err != nil {
			t.Fatal(err)
		}
		got = append(got, name+" "+kind)
	}
	if want := []string{"record_name VARCHAR", "stored_at TIMESTAMP WITH TIME ZONE", "value_json JSON", "sequence BIGINT"}; !slices.Equal(got, want) {
		t.Errorf("columns %q, want %q", got, want)
	}
	var sum float64
	if err := db.QueryRow(`SELECT sum(CAST(value_json->>'$.n' AS BIGINT)) FROM read_parquet(?)`, file).Scan(&sum); err != nil || sum != count*(count+1)/2 {
		t.Errorf("the sum of n in JSON is %g, %v", sum, err)
	}
}

// manifest reads the manifests with DuckDB.
func manifest(t *testing.T, db *sql.DB, dir string) {
	t.Helper()
	var sources, files, rows int
	if err := db.QueryRow(`SELECT count(DISTINCT source), count(*), sum(f.rows)::BIGINT FROM
		(SELECT source, unnest(files) AS f FROM read_json(?))`, filepath.Join(dir, "manifest", "*.json")).Scan(&sources, &files, &rows); err != nil {
		t.Fatal(err)
	}
	if sources < 2 || rows != count {
		t.Errorf("the manifests have %d rows of %d sources", rows, sources)
	}
	t.Logf("%d staged files became %d Parquet files", sources, files)
}
