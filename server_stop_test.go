package aimdb

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// A log that ends under a running database ends the database with an error
// within the drain timeout, and not in a hang. Only a test in the package can
// get at the log.
func TestRunEndsWithAnErrorWhenTheLogStops(t *testing.T) {
	dir := t.TempDir()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := New(Name("stops"), Dir(dir), WithPersistence(store, 0), DrainTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	r, err := Register[int](db, "n", Ring(8), Persist())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- db.Run(t.Context()) }()
	<-db.Ready()
	if err := r.ProduceLogged(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if err := db.bus.Close(); err != nil {
		t.Fatal(err)
	}
	r.Produce(2)
	select {
	case err := <-done:
		if err == nil || !strings.Contains(err.Error(), "the log was closed while it was running") {
			t.Errorf("Run: %v, want that the log was closed", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("Run hangs without a log")
	}
}
