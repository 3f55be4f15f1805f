package aimdb_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/records"
)

// Every call after Close fails with the one error of the package.
func TestEveryCallAfterCloseIsErrClosed(t *testing.T) {
	db := open(t, t.TempDir())
	r := register[int](t, db, "n", aimdb.Ring(8), aimdb.Persist())
	reader := r.Subscribe("reader")
	stop := start(t, db)
	stop()
	ctx := t.Context()
	calls := map[string]func() error{
		"Flush":         func() error { return db.Flush(ctx) },
		"FlushSink":     func() error { return db.FlushSink(ctx, "sqlite") },
		"Stats":         func() error { _, err := db.Stats(ctx); return err },
		"Register":      func() error { _, err := aimdb.Register[int](db, "m"); return err },
		"Send":          func() error { return r.Send(ctx, 1) },
		"ProduceLogged": func() error { return r.ProduceLogged(ctx, 1) },
		"Receive":       func() error { _, err := reader.Receive(ctx); return err },
		"QueryLatest":   func() error { _, err := aimdb.QueryLatest[int](ctx, db, "#", 1); return err },
		"QueryRange":    func() error { _, err := aimdb.QueryRange[int](ctx, db, "#", time.Time{}, time.Time{}); return err },
		"QueryPage":     func() error { _, err := aimdb.QueryPage[int](ctx, db, aimdb.PageQuery{Pattern: "#"}); return err },
		"QueryBuckets": func() error {
			_, err := aimdb.QueryBuckets(ctx, db, "#", "", time.Hour, time.Time{}, time.Time{})
			return err
		},
		"Follow": func() error {
			for _, err := range aimdb.Follow[int](ctx, db, "#", time.Time{}) {
				return err
			}
			return nil
		},
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, aimdb.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := db.Run(ctx); !errors.Is(err, aimdb.ErrRan) {
		t.Errorf("Run: %v", err)
	}
}

func TestErrorsOfTheRootMatch(t *testing.T) {
	db := open(t, t.TempDir())
	newest := register[int](t, db, "newest", aimdb.Latest(), aimdb.Persist())
	full := register[[]byte](t, db, "full", aimdb.Ring(8), aimdb.Persist())
	superseded := make(chan error, 1)
	go func() { superseded <- newest.ProduceLogged(t.Context(), 1) }()
	for newest.Untyped().Produced() == 0 {
		time.Sleep(time.Millisecond)
	}
	newest.Produce(2) // nothing has read the first one
	stop := start(t, db)
	defer stop()
	if err := <-superseded; !errors.Is(err, aimdb.ErrSuperseded) {
		t.Errorf("superseded: %v", err)
	}
	var lost *aimdb.LostError
	if err := full.ProduceLogged(t.Context(), make([]byte, 2<<20)); !errors.As(err, &lost) || lost.Record != "full" {
		t.Errorf("too large: %v", err)
	}
	ctx := t.Context()
	if _, err := aimdb.QueryPage[int](ctx, db, aimdb.PageQuery{Pattern: "#", Cursor: "x"}); !errors.Is(err, aimdb.ErrBadCursor) {
		t.Errorf("cursor: %v", err)
	}
	if _, err := aimdb.QueryLatest[int](ctx, db, "a*", 1); !errors.Is(err, aimdb.ErrBadPattern) {
		t.Errorf("pattern: %v", err)
	}
	if _, err := aimdb.New(aimdb.Retain("a*", aimdb.Retention{MaxRows: 1})); !errors.Is(err, aimdb.ErrBadPattern) {
		t.Errorf("retention: %v", err)
	}
	if !errors.Is(aimdb.ErrClosed, records.ErrClosed) {
		t.Error("there are two errors of a closed database")
	}
}

// A configuration can be decoded from a file, and options set the same fields.
func TestConfigFromAFile(t *testing.T) {
	var c aimdb.Config
	const file = `{"name":"hub","log_bytes":1048576,"retention":[{"pattern":"a.#","max_rows":3}],"http":"127.0.0.1:0"}`
	if err := json.Unmarshal([]byte(file), &c); err != nil {
		t.Fatal(err)
	}
	if c.Name != "hub" || c.LogBytes != 1<<20 || len(c.Retention) != 1 || c.Retention[0].MaxRows != 3 {
		t.Errorf("decoded %+v", c)
	}
	c.Retention = nil // there is no backend
	db, err := aimdb.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	if db.Name() != "hub" || db.Addresses().HTTP == "" {
		t.Errorf("name %s, addresses %+v", db.Name(), db.Addresses())
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
