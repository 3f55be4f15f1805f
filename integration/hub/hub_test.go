package hub

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// hub is a database with everything that listens, on ports of its own.
type hub struct {
	*aimdb.DB
	stop func()
}

// openHub opens a database in a directory; register adds its records.
func openHub(t *testing.T, dir string, register func(db *aimdb.DB), opts ...aimdb.Option) *hub {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := aimdb.New(append([]aimdb.Option{
		aimdb.Name("hub"), aimdb.Dir(dir), aimdb.WithPersistence(store, 0),
		aimdb.Gateway(filepath.Join(dir, "s")), aimdb.HTTP("127.0.0.1:0", nil), aimdb.NATS("127.0.0.1:0"),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	register(db)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	select {
	case <-db.Ready():
	case err := <-done:
		t.Fatalf("the database did not start: %v", err)
	}
	stopped := false
	h := &hub{DB: db, stop: func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}}
	t.Cleanup(h.stop)
	return h
}

// endpoints are the two ways in for AimX clients.
func (h *hub) endpoints() map[string]string {
	a := h.Addresses()
	return map[string]string{"unix": a.Gateways[0], "websocket": "ws://" + a.HTTP + "/ws"}
}

func dial(t *testing.T, endpoint string) *aimx.Client {
	t.Helper()
	c, err := aimx.Dial(t.Context(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // the server may have ended first
	return c
}

func mustRegister[T any](t *testing.T, db *aimdb.DB, key string, opts ...aimdb.RecordOption) *aimdb.Record[T] {
	t.Helper()
	r, err := aimdb.Register[T](db, key, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
