package metrics_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/needed"
	"github.com/aimdb-go/aimdb/metrics"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// tool returns the path of a program.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		needed.Missing(t, "%s: %v", name, err)
	}
	return path
}

// startDB runs a database with a history and some records, r0 and so on.
func startDB(t testing.TB, n int, opts ...aimdb.Option) (*aimdb.DB, []*aimdb.Record[int]) {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := aimdb.New(append([]aimdb.Option{aimdb.Dir(dir), aimdb.WithPersistence(store, 0)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	var all []*aimdb.Record[int]
	for i := range n {
		r, err := aimdb.Register[int](db, fmt.Sprintf("r%d", i), aimdb.Ring(64), aimdb.Persist(), aimdb.Remote(), aimdb.Writable())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- db.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-db.Ready():
	case <-time.After(time.Minute):
		t.Fatal("it does not serve")
	}
	return db, all
}

// scrape returns what a handler of metrics answers.
func scrape(t *testing.T, db *aimdb.DB, c prometheus.Collector, header string) (int, string) {
	t.Helper()
	h, err := metrics.Handler(db, c)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/metrics", nil)
	if header != "" {
		r.Header.Set("Authorization", header)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}
