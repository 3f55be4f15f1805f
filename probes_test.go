package aimdb_test

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/webtest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// lateBackend answers no query of its rows before a channel is closed.
type lateBackend struct {
	*sqlite.Store
	open chan struct{}
}

func (l *lateBackend) Checkpoint(ctx context.Context) (history.Position, error) {
	select {
	case <-l.open:
	case <-ctx.Done():
		return history.Position{}, ctx.Err()
	}
	return l.Store.Checkpoint(ctx)
}

// probe asks a probe.
func probe(t *testing.T, db *aimdb.DB, path, token string) (int, string) {
	t.Helper()
	return webtest.Get(t, "http://"+db.Addresses().HTTP+path, token)
}

// TestProbes: a database that starts is alive and not ready, other requests wait, and
// reasons are for who presents a token.
func TestProbes(t *testing.T) {
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	late := &lateBackend{store, make(chan struct{})}
	var troubles atomic.Value
	troubles.Store([]string(nil))
	db, err := aimdb.Open(aimdb.Config{
		Dir: t.TempDir(), Backend: late, HTTP: "127.0.0.1:0", Tokens: []aimdb.Token{{Token: "may-know-it", Read: []string{"#"}}},
		Troubles: func() []string { return troubles.Load().([]string) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- db.Run(ctx) }()
	stop := sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	for path, want := range map[string]int{"/livez": 200, "/readyz": 503, "/startupz": 503} {
		if code, text := probe(t, db, path, ""); code != want || strings.Contains(text, "reasons") {
			t.Errorf("%s before the start: %d %s", path, code, text)
		}
	}
	if code, text := probe(t, db, "/startupz", "may-know-it"); code != 503 || !strings.Contains(text, "is starting") {
		t.Errorf("with a token: %d %s", code, text)
	}
	version := make(chan string, 1)
	go func() {
		_, text := probe(t, db, "/version", "")
		version <- text
	}()
	select {
	case text := <-version:
		t.Errorf("a request was answered before the database serves: %s", text)
	case <-time.After(20 * time.Millisecond):
	}
	close(late.open)
	if text := <-version; !strings.Contains(text, "aimx") {
		t.Errorf("the request that waited: %s", text)
	}
	troubles.Store([]string{"the cat sits on the disk"})
	for _, path := range []string{"/livez", "/readyz", "/startupz"} {
		if code, text := probe(t, db, path, ""); code != 200 || strings.Contains(text, "cat") {
			t.Errorf("%s of a running database: %d %s", path, code, text)
		}
		if code, text := probe(t, db, path, "may-know-it"); code != 200 || !strings.Contains(text, `"troubles":["the cat sits on the disk"]`) {
			t.Errorf("%s of a running database, with a token: %d %s", path, code, text)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/livez": 503, "/readyz": 503, "/startupz": 200} {
		w := newRecorder()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		db.Probes().ServeHTTP(w, r)
		var answer struct{ Status string }
		if err := json.Unmarshal(w.body, &answer); err != nil || w.status != want || (answer.Status == "ok") != (want == 200) {
			t.Errorf("%s after the end: %d %s %v", path, w.status, w.body, err)
		}
	}
}

// recorder is a response that is kept.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

func newRecorder() *recorder { return &recorder{header: http.Header{}, status: http.StatusOK} }

func (r *recorder) Header() http.Header    { return r.header }
func (r *recorder) WriteHeader(status int) { r.status = status }
func (r *recorder) Write(text []byte) (int, error) {
	r.body = append(r.body, text...)
	return len(text), nil
}

// TestOnBatch: the program is told of each batch with its times.
func TestOnBatch(t *testing.T) {
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	batches := make(chan aimdb.BatchInfo, 100)
	db, err := aimdb.Open(aimdb.Config{Dir: t.TempDir(), Backend: store, OnBatch: func(b aimdb.BatchInfo) { batches <- b }})
	if err != nil {
		t.Fatal(err)
	}
	r := register[int](t, db, "r", aimdb.Ring(8), aimdb.Persist())
	defer start(t, db)()
	if err := r.Send(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := <-batches
	if b.Sink != "sqlite" || b.Values != 1 || b.To.Sequence != 1 || b.From.Sequence != 0 || b.Err != nil || b.Ended.Before(b.Began) || b.Began.IsZero() {
		t.Errorf("it was told of %+v", b)
	}
	stats, err := db.Stats(t.Context())
	if err != nil || stats.Sinks[0].CommitSeconds.Count() != 1 || stats.Sinks[0].BatchValues.Sum != 1 || stats.Log.AppendSeconds.Count() == 0 {
		t.Errorf("it counts %+v %v", stats, err)
	}
}
