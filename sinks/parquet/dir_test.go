package parquet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/parquet"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		writeUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

// open opens a sink that logs into the test.
func open(t testing.TB, c parquet.Config) *parquet.Sink {
	t.Helper()
	c.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	s, err := parquet.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSink(t, s) })
	return s
}

func closeSink(t testing.TB, s *parquet.Sink) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func write(t testing.TB, s *parquet.Sink, b *sinks.Batch) {
	t.Helper()
	at, err := s.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.Previous = at
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func rotate(t testing.TB, s *parquet.Sink) {
	t.Helper()
	if err := s.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func value(n int) []byte { return fmt.Appendf(nil, `{"n": %d,"s":"grün"}`, n) }

// day is that of an entry: each day has 40.
func entry(n int) sinks.Entry {
	day := int64(n / 40)
	return sinks.Entry{Sequence: uint64(n), Record: fmt.Sprintf("test::r%d", n%3), Time: day*24*3600*1000 + int64(n), Value: value(n)}
}

func batch(from, to int) *sinks.Batch {
	b := &sinks.Batch{Checkpoint: history.Position{Log: "log", Sequence: uint64(to)}}
	for n := from; n <= to; n++ {
		b.Entries = append(b.Entries, entry(n))
	}
	return b
}

// entries reads what is converted, and then what is not, in the order of the log.
func entries(t testing.TB, dir string) (all []sinks.Entry) {
	t.Helper()
	manifests, err := parquet.ReadManifests(dir)
	if err != nil {
		t.Fatal(err)
	}
	converted := map[string]bool{}
	for _, m := range manifests {
		converted[m.Source] = true
		from := len(all)
		for _, f := range m.Files {
			all = append(all, rows(t, filepath.Join(dir, filepath.FromSlash(f.Name)))...)
		}
		slices.SortStableFunc(all[from:], func(a, b sinks.Entry) int { return int(a.Sequence) - int(b.Sequence) })
	}
	for _, path := range stagedFiles(t, dir) {
		if converted[filepath.Base(path)] {
			continue
		}
		for e, err := range ndjson.Entries(path) {
			if err != nil {
				t.Fatal(err)
			}
			e.Value = bytes.Clone(e.Value)
			all = append(all, e)
		}
	}
	return all
}

func rows(t testing.TB, path string) (all []sinks.Entry) {
	t.Helper()
	for e, err := range parquet.Entries(path) {
		if err != nil {
			t.Fatal(err)
		}
		e.Value = bytes.Clone(e.Value)
		all = append(all, e)
	}
	return all
}

func stagedFiles(t testing.TB, dir string) []string { return glob(t, dir, "staging", "*.ndjson.zst*") }

func parquetFiles(t testing.TB, dir string) []string {
	return glob(t, dir, "record=*", "day=*", "*.parquet")
}

func glob(t testing.TB, pattern ...string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(pattern...))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// holds fails unless a directory has the entries from 1 to n once.
func holds(t testing.TB, dir string, n int) {
	t.Helper()
	got := entries(t, dir)
	if len(got) != n {
		t.Fatalf("%d rows, want %d", len(got), n)
	}
	for i, e := range got {
		if want := entry(i + 1); e.Sequence != want.Sequence || e.Record != want.Record || e.Time != want.Time || !bytes.Equal(e.Value, want.Value) {
			t.Fatalf("row %d is %+v, want %+v", i+1, e, want)
		}
	}
}

func lines[T any](t testing.TB, path string) (all []T) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}
