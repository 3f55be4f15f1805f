package ndjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		writeUntilKilled(dir)
	}
	goleak.VerifyTestMain(m)
}

// open opens a sink that logs into the test.
func open(t testing.TB, dir string, opts ...ndjson.Option) *ndjson.Sink {
	t.Helper()
	quiet := ndjson.Logger(slog.New(slog.NewTextHandler(t.Output(), nil)))
	s, err := ndjson.Open(dir, append([]ndjson.Option{quiet}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSink(t, s) })
	return s
}

func closeSink(t testing.TB, s *ndjson.Sink) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func value(n int) []byte { return fmt.Appendf(nil, `{"n":%d,"s":"grün"}`, n) }

// batch has the entries of a range, whose times are their sequences.
func batch(from, to int) *sinks.Batch {
	b := &sinks.Batch{Checkpoint: history.Position{Log: "log", Sequence: uint64(to)}}
	for n := from; n <= to; n++ {
		b.Entries = append(b.Entries, sinks.Entry{Sequence: uint64(n), Record: fmt.Sprintf("test::r%d", n%3), Time: int64(n), Value: value(n)})
	}
	return b
}

func write(t testing.TB, s *ndjson.Sink, b *sinks.Batch) {
	t.Helper()
	if err := sinktest.Append(t.Context(), s, b); err != nil {
		t.Fatal(err)
	}
}

func at(t testing.TB, s *ndjson.Sink) uint64 {
	t.Helper()
	p, err := s.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p.Sequence
}

// dataFiles lists the data files, the open one last.
func dataFiles(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.ndjson.zst*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	return slices.DeleteFunc(files, func(path string) bool { return strings.HasSuffix(path, ".damaged") })
}

// row is a line as jq sees it.
type row struct {
	Record string          `json:"record"`
	Time   int64           `json:"time"`
	Shape  int             `json:"shape"`
	Value  json.RawMessage `json:"value"`
}

func parseLines[T any](t testing.TB, text []byte) (all []T) {
	t.Helper()
	for line := range bytes.Lines(text) {
		var v T
		if err := json.Unmarshal(line, &v); err != nil || line[len(line)-1] != '\n' {
			t.Fatalf("the line %q: %v", line, err)
		}
		all = append(all, v)
	}
	return all
}

// rows reads all data files.
func rows(t testing.TB, dir string) (all []row) {
	t.Helper()
	for _, path := range dataFiles(t, dir) {
		text, err := decompress(t, path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, parseLines[row](t, text)...)
	}
	return all
}

func decompress(t testing.TB, path string) ([]byte, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	return io.ReadAll(d)
}

// holds fails unless the files have the rows from 1 to n, once and in order.
func holds(t testing.TB, dir string, n int) {
	t.Helper()
	got := rows(t, dir)
	if len(got) != n {
		t.Fatalf("%d rows, want %d", len(got), n)
	}
	for i, r := range got {
		if r.Time != int64(i+1) || !bytes.Equal(r.Value, value(i+1)) {
			t.Fatalf("row %d is %d %s", i+1, r.Time, r.Value)
		}
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return text
}

func put(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
