//go:build interop

package interop

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// TestLitestream: a history in Litestream mode is replicated while it is
// written to, and what is restored has the same rows.
func TestLitestream(t *testing.T) {
	litestream := tool(t, "litestream")
	dir := t.TempDir()
	path, replica := filepath.Join(dir, "history.db"), "file://"+filepath.Join(dir, "replica")
	store, err := sqlite.Open(path, sqlite.Litestream())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- store.Run(ctx) }()

	write(t, store, 0, 1000)
	replicating := make(chan struct{}, 1)
	p := start(t, func(line string) {
		t.Log(line)
		if strings.Contains(line, "replicat") {
			select {
			case replicating <- struct{}{}:
			default:
			}
		}
	}, litestream, "replicate", path, replica)
	select {
	case <-replicating:
	case <-p.ended:
		t.Fatalf("litestream ended: %v", p.err)
	}
	// Some seconds of writing, so that Litestream syncs several times meanwhile.
	n := 1000
	for end := time.Now().Add(4 * time.Second); time.Now().Before(end); n += 500 {
		write(t, store, n, 500)
	}
	p.interrupt(t) // it replicates what is left before it ends
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}

	restored := filepath.Join(dir, "restored.db")
	t.Log(run(t, litestream, "restore", "-o", restored, replica))
	want, got := read(t, path), read(t, restored)
	if len(want) != n {
		t.Fatalf("the history has %d rows, want the %d written", len(want), n)
	}
	if len(got) != len(want) {
		t.Fatalf("restored %d rows of %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("row %d was restored as %s, want %s", i, got[i], want[i])
		}
	}
	t.Logf("%d rows replicated while they were written, restored and compared", n)
}

func write(t *testing.T, store *sqlite.Store, from, n int) {
	t.Helper()
	b := &sinks.Batch{Checkpoint: history.Position{Log: "interop", Sequence: uint64(from + n)}}
	for i := from; i < from+n; i++ {
		b.Entries = append(b.Entries, sinks.Entry{Sequence: uint64(i + 1), Record: fmt.Sprintf("r%d", i%7), Time: int64(i), Value: fmt.Appendf(nil, `{"n":%d}`, i)})
	}
	if err := sinktest.Append(t.Context(), store, b); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) (rows []string) {
	t.Helper()
	store, err := sqlite.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	all, err := key.ParsePattern("#")
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range store.Rows(t.Context(), all, history.Window{}, 0) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, fmt.Sprintf("%d %s %d %s", r.ID, r.Record, r.Time, r.Value))
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	return rows
}
