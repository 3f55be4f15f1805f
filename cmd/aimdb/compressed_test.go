package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// sinkFiles writes 400 rows with the ndjson sink and returns its files, the open one
// last.
func sinkFiles(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	s, err := ndjson.Open(dir, ndjson.RotateBytes(2000))
	if err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 400; n += 20 {
		b := &sinks.Batch{Checkpoint: history.Position{Log: "log", Sequence: uint64(n + 19)}}
		for i := n; i < n+20; i++ {
			b.Entries = append(b.Entries, sinks.Entry{Sequence: uint64(i), Record: "a::grün", Time: base + int64(i), Value: fmt.Appendf(nil, "{\"n\":\n%d}", i)})
		}
		if err := sinktest.Append(t.Context(), s, b); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.zst*"))
	if err != nil || len(files) < 3 || !strings.HasSuffix(files[len(files)-1], ".open") {
		t.Fatalf("files %v, %v", files, err)
	}
	return files
}

// TestHistoryImportOfTheSink: what the ndjson sink writes is imported as it is, and
// exported as the same lines.
func TestHistoryImportOfTheSink(t *testing.T) {
	db := filepath.Join(t.TempDir(), "copy.db")
	var want strings.Builder
	for _, path := range sinkFiles(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		d, err := decompress(strings.NewReader(string(data)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&want, d); err != nil {
			t.Fatal(err)
		}
		_ = d.Close()
		aimdb(t, "history", "import", db, path).ok(t)
		r := aimdbIn(t, string(data), "history", "import", db)
		if r.ok(t); !strings.Contains(r.stderr, "0 rows added") {
			t.Errorf("a second import says %s", r.stderr)
		}
	}
	if got := aimdb(t, "history", "export", db).ok(t); got != want.String() || strings.Count(got, "\n") != 400 {
		t.Errorf("the export has %d lines and is not what the sink wrote", strings.Count(got, "\n"))
	}
}

// TestHistoryImportOfACutFile: the whole batches of a cut copy are imported.
func TestHistoryImportOfACutFile(t *testing.T) {
	data, err := os.ReadFile(sinkFiles(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(t.TempDir(), "copy.db")
	aimdbIn(t, string(data[:len(data)-5]), "history", "import", db).fails(t, exitFailed, "stdin", "again")
	if n := strings.Count(aimdb(t, "history", "export", db).ok(t), "\n"); n == 0 || n%20 != 0 {
		t.Errorf("%d rows were imported", n)
	}
}

func TestHistoryImportOfCompressedCSV(t *testing.T) {
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	file, db := filepath.Join(t.TempDir(), "rows.csv.zst"), filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(file, encoder.EncodeAll([]byte(csvHead+"\na,1,2\n"), nil), 0o600); err != nil {
		t.Fatal(err)
	}
	aimdb(t, "history", "import", db, file).ok(t)
	if got := aimdb(t, "history", "export", db).ok(t); got != "{\"record\":\"a\",\"time\":1,\"value\":2}\n" {
		t.Errorf("the export is %q", got)
	}
}
