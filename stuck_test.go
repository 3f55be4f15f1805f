package aimdb_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/memory"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// run runs a database and returns what ends it and gives back the error of
// Run.
func run(t *testing.T, db *aimdb.DB) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	select {
	case <-db.Ready():
	case err := <-done:
		t.Fatalf("the database did not start: %v", err)
	}
	return func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(time.Minute):
			t.Fatal("Run hangs")
			return nil
		}
	}
}

func says(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not say %q: %s", what, part, text)
		}
	}
}

// A tap that does not heed its context must keep neither Run from returning
// nor what others have produced from being stored.
func TestRunNamesAStageThatDoesNotEnd(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	db, err := aimdb.New(aimdb.Dir(dir), aimdb.WithPersistence(store, 0), aimdb.DrainTimeout(3*time.Second),
		aimdb.Logger(slog.New(slog.NewTextHandler(&said, nil))))
	if err != nil {
		t.Fatal(err)
	}
	tapped := register[int](t, db, "n", aimdb.Ring(16))
	stored := register[int](t, db, "m", aimdb.Ring(16), aimdb.Persist())
	entered, free := make(chan struct{}), make(chan struct{})
	if err := tapped.Tap(func(context.Context, int) { close(entered); <-free }, aimdb.StageName("stuck")); err != nil {
		t.Fatal(err)
	}
	stop := run(t, db)
	tapped.Produce(1)
	<-entered
	for i := range 10 {
		stored.Produce(i)
	}
	defer close(free) // behind all that reads what was said
	err = stop()
	if err == nil {
		t.Fatal("Run returns no error, although a tap has not ended")
	}
	says(t, "the error", err.Error(), `stage "stuck" of record "n" did not end within 3s`)
	says(t, "the log", said.String(), "level=ERROR", `stuck`, "did not end within 3s", "everything in the log is stored")

	db = open(t, dir)
	next := start(t, db)
	rows, err := aimdb.QueryRange[int](t.Context(), db, "m", time.Time{}, time.Time{})
	if err != nil || len(rows) != 10 {
		t.Errorf("%d values are stored, %v; want 10", len(rows), err)
	}
	next()
}

// stuck is a sink that, while free is open, does not return from Write.
type stuck struct {
	memory.Sink
	entered chan struct{}
	free    chan struct{}
}

func (s *stuck) Write(ctx context.Context, b *sinks.Batch) error {
	if len(b.Entries) > 0 {
		close(s.entered)
		<-s.free
	}
	return s.Sink.Write(ctx, b)
}

// A sink that does not heed its context is named too, and holds up neither the
// end of the others nor that of Run.
func TestRunNamesASinkThatDoesNotEnd(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	sink := &stuck{Sink: memory.Sink{Named: "mute"}, entered: make(chan struct{}), free: make(chan struct{})}
	db := open(t, dir, aimdb.WithSink(sink), aimdb.DrainTimeout(2*time.Second))
	r := register[int](t, db, "n", aimdb.Ring(16), aimdb.Persist())
	stop := run(t, db)
	r.Produce(1)
	<-sink.entered
	defer close(sink.free)
	err := stop()
	if err == nil {
		t.Fatal("Run returns no error, although a sink has not ended")
	}
	says(t, "the error", err.Error(), "the pump into sink mute did not end within 2s")

	db = open(t, dir)
	next := start(t, db)
	rows, err := aimdb.QueryLatest[int](t.Context(), db, "n", 10)
	if err != nil || len(rows) != 1 {
		t.Errorf("the other sink has %v, %v; want one value", rows, err)
	}
	next()
}
