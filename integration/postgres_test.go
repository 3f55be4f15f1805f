package integration

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/pgtest"
	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// TestPostgresDownAtStart: a database starts and takes values while PostgreSQL is down, and
// stores each once when it runs, in two runs.
func TestPostgresDownAtStart(t *testing.T) {
	t.Parallel()
	server := pgtest.Syncing(t)
	dsn, dir := server.DSN("postgres"), t.TempDir()
	const values = 500
	for run := range 2 {
		server.Stop(t)
		sink, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn})
		if err != nil {
			t.Fatal(err)
		}
		runWithSink(t, dir, sink, run*values, values, func() { server.Start(t) })
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var rows, wrong int
	err = conn.QueryRow(t.Context(), "SELECT count(*), count(*) FILTER (WHERE value_json <> (id - 1)::text) FROM aimdb.record_history").Scan(&rows, &wrong)
	if err != nil || rows != 2*values || wrong != 0 {
		t.Errorf("%d rows, %d of them out of order (%v), want %d", rows, wrong, err, 2*values)
	}
}

// runWithSink runs a database that takes numbers, and calls a function before it waits for
// the sink to have them.
func runWithSink(t *testing.T, dir string, sink *postgres.Store, from, n int, between func()) {
	t.Helper()
	db, err := aimdb.New(aimdb.Dir(dir), aimdb.WithSink(sink))
	if err != nil {
		t.Fatal(err)
	}
	r, err := aimdb.Register[int](db, "n", aimdb.Ring(64), aimdb.Persist(), aimdb.Lossless())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	done := make(chan error, 2)
	go func() { done <- db.Run(ctx) }()
	go func() { done <- sink.Run(ctx) }()
	for i := from; i < from+n; i++ {
		if err := r.Send(ctx, i); err != nil {
			t.Fatal(err)
		}
	}
	between()
	if err := db.FlushSink(ctx, sink.Name()); err != nil {
		t.Error(err)
	}
	stop()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// TestKilledWriterStillCommits: a transaction that waits for a lock while its process is
// killed is committed afterwards. awaitUnused waits for that.
func TestKilledWriterStillCommits(t *testing.T) {
	t.Parallel()
	history := postgresServer.Database(t)
	w := startWriter(t, t.TempDir(), history, "stored")
	w.awaitAck(t) // its statements are prepared then
	ctx := t.Context()
	other, err := pgx.Connect(ctx, history)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close(ctx)
	// The last statement before COMMIT waits, and COMMIT is sent with it.
	if _, err := other.Exec(ctx, "BEGIN; LOCK TABLE aimdb.aimdb_record IN EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	await(t, history, "the writer waits", "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
	if err := w.signal(syscall.SIGKILL); err == nil {
		t.Fatal("the writer ended by itself")
	}
	const nextID = "SELECT next_id FROM aimdb.aimdb_checkpoint"
	var before, after int64
	if err := other.QueryRow(ctx, nextID).Scan(&before); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, func() {
		_ = other.Close(context.Background()) // the server notices it and ends the lock
	})
	awaitUnused(t, history)
	if err := openSQL(t, history).QueryRow(nextID).Scan(&after); err != nil || after == before {
		t.Errorf("the next ID is %d after the kill and %d (%v) when no process has the history open", before, after, err)
	}
}
