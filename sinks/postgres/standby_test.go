package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

const endWriter = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"

// TestStandby: of two processes one is active. The other one takes over when it ends, and
// then the first is the standby.
func TestStandby(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	first, stopFirst := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	waitActive(t, first)
	appendTo(t, first, 1)
	second, stopSecond := start(t, postgres.Config{DSN: dsn, Logger: quiet()})
	defer stopSecond()
	b := &sinks.Batch{Previous: history.Position{Log: "log", Sequence: 1}, Checkpoint: history.Position{Log: "log", Sequence: 2}}
	if err := second.Write(t.Context(), b); !errors.Is(err, postgres.ErrInUse) {
		t.Errorf("a write of the standby gives %v", err)
	}
	if _, err := second.Checkpoint(t.Context()); !errors.Is(err, postgres.ErrInUse) {
		t.Errorf("the checkpoint of the standby gives %v", err)
	}
	other, stopOther := start(t, postgres.Config{DSN: dsn, Schema: "other", Logger: quiet()})
	waitActive(t, other) // a history of its own
	stopOther()
	stopFirst()
	waitActive(t, second)
	appendTo(t, second, 2)
	if err := first.Write(t.Context(), b); !errors.Is(err, postgres.ErrStopped) {
		t.Errorf("a write after the end gives %v", err)
	}
}

func waitActive(t *testing.T, s *postgres.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.WaitActive(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestTwoWriters: two processes read one log into one history while their connections are
// ended again and again. Each value is stored once.
func TestTwoWriters(t *testing.T) {
	t.Parallel()
	dsn, log := server.Database(t), sinktest.NewLog("log")
	f, g := newFlow(t, dsn, log, postgres.Config{}), newFlow(t, dsn, log, postgres.Config{})
	stop := f.load()
	defer stop()
	values := func(of *flow) uint64 { return of.pump.Stats().Values }
	for deadline := time.Now().Add(2 * patience); values(f) < 500 || values(g) < 500; time.Sleep(100 * time.Millisecond) {
		exec(t, dsn, endWriter)
		if time.Now().After(deadline) {
			t.Fatalf("the writers have stored %d and %d values", values(f), values(g))
		}
	}
	stop()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for ctx.Err() == nil && ask[int](t, dsn, "SELECT sequence::int FROM aimdb_checkpoint") < f.added {
		time.Sleep(10 * time.Millisecond)
	}
	g.stop()
	f.exactlyOnce(t)
}
