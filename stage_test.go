package aimdb_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// What is declared on a running database is refused, and the database goes on
// as if nothing had happened.
func TestDeclarationsOnARunningDatabaseAreRefused(t *testing.T) {
	defer goleak.VerifyNone(t)
	var said bytes.Buffer
	dir := t.TempDir()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := aimdb.New(aimdb.Dir(dir), aimdb.WithPersistence(store, 0),
		aimdb.Logger(slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	if err != nil {
		t.Fatal(err)
	}
	a := register[int](t, db, "a", aimdb.Ring(10), aimdb.Persist(), aimdb.Lossless())
	b := register[int](t, db, "b", aimdb.Ring(10))
	stop := run(t, db)
	fn := func(context.Context, int, func(int) error) error { return nil }
	for name, err := range map[string]error{
		"Tap":       a.Tap(func(context.Context, int) {}),
		"Source":    aimdb.Source(a, func(context.Context, func(int) error) error { return nil }),
		"Map":       aimdb.Map(a, b, func(v int) int { return v }),
		"Transform": aimdb.Transform(a, b, func() aimdb.TransformFunc[int, int] { return fn }),
		"Join2":     aimdb.Join2(a, a, b, func() (x, y aimdb.TransformFunc[int, int]) { return fn, fn }),
		"Register":  second(aimdb.Register[int](db, "c", aimdb.Ring(1))),
	} {
		if !errors.Is(err, aimdb.ErrRunning) {
			t.Errorf("%s on a running database: %v", name, err)
		}
	}
	for v := range 100 {
		if err := a.Send(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if said.Len() != 0 {
		t.Errorf("the database said:\n%s", &said)
	}
}

func second[T any](_ T, err error) error { return err }
