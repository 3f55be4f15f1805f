package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
)

// TestNDJSONSink: what a database sends to the sink in two runs is in its files once and
// in order.
func TestNDJSONSink(t *testing.T) {
	dir, archive := t.TempDir(), filepath.Join(t.TempDir(), "archive")
	const values = 1000
	for run := range 2 {
		sink, err := ndjson.Open(archive, ndjson.RotateBytes(2000))
		if err != nil {
			t.Fatal(err)
		}
		sendNumbers(t, dir, sink, run*values, values)
		if err := sink.Close(); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(archive, "*.ndjson.zst*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("files %v, %v", files, err)
	}
	next := 0
	for _, path := range files {
		next = countOn(t, path, next)
	}
	if next != 2*values {
		t.Errorf("the files have %d values, want %d", next, 2*values)
	}
}

// sendNumbers runs a database until the sink has some numbers.
func sendNumbers(t *testing.T, dir string, sink *ndjson.Sink, from, n int) {
	t.Helper()
	db, err := aimdb.New(aimdb.Dir(dir), aimdb.WithSink(sink))
	if err != nil {
		t.Fatal(err)
	}
	r, err := aimdb.Register[int](db, "n", aimdb.Ring(64), aimdb.Persist(), aimdb.Lossless())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	for i := from; i < from+n; i++ {
		if err := r.Send(ctx, i); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.FlushSink(ctx, sink.Name()); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// countOn reads a file whose values count on from a number, and returns the next one.
func countOn(t *testing.T, path string, next int) int {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	lines := bufio.NewScanner(d)
	for ; lines.Scan(); next++ {
		var row struct{ Value int }
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil || row.Value != next {
			t.Fatalf("%s: %s, want the value %d (%v)", path, lines.Bytes(), next, err)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return next
}
