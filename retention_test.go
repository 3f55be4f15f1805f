package aimdb_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// sweeping opens a database that keeps rows up to an age and sweeps all the
// time.
func sweeping(t *testing.T, maxAge time.Duration, opts ...aimdb.Option) (*aimdb.DB, *sqlite.Store) {
	t.Helper()
	return sweepingIn(t, t.TempDir(), maxAge, opts...)
}

func sweepingIn(t *testing.T, dir string, maxAge time.Duration, opts ...aimdb.Option) (*aimdb.DB, *sqlite.Store) {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := aimdb.New(append([]aimdb.Option{
		aimdb.Dir(dir), aimdb.WithPersistence(store, maxAge), aimdb.SweepEvery(10 * time.Millisecond),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return db, store
}

// awaitHistory waits until the history is as it should be.
func awaitHistory(t *testing.T, db *aimdb.DB, what string, holds func(*history.Stats) bool) {
	t.Helper()
	var last *history.Stats
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		stats, err := db.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if last = stats.History; holds(last) {
			return
		}
	}
	t.Fatalf("it did not come to %s: %d rows, %d bytes", what, last.Rows, last.Bytes)
}

func sendMany(t *testing.T, db *aimdb.DB, r *aimdb.Record[string], n int) {
	t.Helper()
	for range n {
		if err := r.Send(t.Context(), strings.Repeat("0123456789", 10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// No age limit is not the same as for ever: the limit of the file counts.
func TestHistoryBytesHoldsWithoutAnAge(t *testing.T) {
	defer goleak.VerifyNone(t)
	const limit = 300_000
	db, store := sweeping(t, 0, aimdb.HistoryBytes(limit), aimdb.Retain("kept", aimdb.Retention{Forever: true}))
	free := register[string](t, db, "free", aimdb.Ring(256), aimdb.Persist(), aimdb.Lossless())
	kept := register[string](t, db, "kept", aimdb.Ring(256), aimdb.Persist(), aimdb.Lossless())
	stop := start(t, db)
	sendMany(t, db, kept, 500)
	sendMany(t, db, free, 5000)
	awaitHistory(t, db, "a file within its limit", func(s *history.Stats) bool {
		file, err := store.FileStats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.Bytes-file.FreeBytes <= limit
	})
	if rows, err := aimdb.QueryLatest[string](t.Context(), db, "kept", 1000); err != nil || len(rows) != 500 {
		t.Errorf("of what is kept for ever there are %d rows, %v; want 500", len(rows), err)
	}
	if rows, err := aimdb.QueryLatest[string](t.Context(), db, "free", 10_000); err != nil || len(rows) == 0 || len(rows) >= 5000 {
		t.Errorf("of the rest there are %d rows, %v; want some, but fewer than 5000", len(rows), err)
	}
	stop()
}

// The age given with WithPersistence is what counts where nothing else does.
func TestRetainForEverythingTakesThePlaceOfTheAge(t *testing.T) {
	defer goleak.VerifyNone(t)
	db, _ := sweeping(t, 24*time.Hour, aimdb.Retain("#", aimdb.Retention{MaxRows: 100}))
	r := register[string](t, db, "n", aimdb.Ring(256), aimdb.Persist(), aimdb.Lossless())
	stop := start(t, db)
	sendMany(t, db, r, 1000)
	awaitHistory(t, db, "100 rows", func(s *history.Stats) bool { return s.Rows == 100 })
	stop()
}

// importRows writes rows into the history of a directory while no database runs.
func importRows(t *testing.T, dir, record string, n int, at time.Time) {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- store.Run(ctx) }()
	_, err = store.Import(t.Context(), func(yield func(history.Row, error) bool) {
		for i := range n {
			if !yield(history.Row{Record: record, Time: at.UnixMilli() + int64(i), Value: []byte(`"wrong"`)}, nil) {
				return
			}
		}
	})
	cancel()
	if err = errors.Join(err, <-ended, store.Close()); err != nil {
		t.Fatal(err)
	}
}

// Rows that a wrong clock has stamped take no place of later ones, and an age
// limit removes them like any others.
func TestRowsOfAWrongClock(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, year := range []int{1970, 2120} {
		dir := t.TempDir()
		importRows(t, dir, "n", 10, time.Date(year, 1, 31, 0, 0, 0, 0, time.UTC))
		db, _ := sweepingIn(t, dir, 0, aimdb.Retain("#", aimdb.Retention{MaxRows: 50}))
		r := register[string](t, db, "n", aimdb.Ring(256), aimdb.Persist(), aimdb.Lossless())
		stop := start(t, db)
		sendMany(t, db, r, 50)
		awaitHistory(t, db, "50 rows", func(s *history.Stats) bool { return s.Rows == 50 })
		rows, err := aimdb.QueryLatest[string](t.Context(), db, "n", 100)
		if err != nil || len(rows) != 50 || slices.ContainsFunc(rows, func(row aimdb.Row[string]) bool { return row.Value == "wrong" }) {
			t.Errorf("%d: %d rows, %v; want the 50 that were stored last", year, len(rows), err)
		}
		stop()
		db, _ = sweepingIn(t, dir, time.Second)
		stop = start(t, db)
		awaitHistory(t, db, "no rows", func(s *history.Stats) bool { return s.Rows == 0 })
		stop()
	}
}

func TestNewRefusesARetentionThatCannotBeMeant(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, c := range []struct {
		name string
		opt  aimdb.Option
		want []string
	}{
		{"negative rows", aimdb.Retain("a", aimdb.Retention{MaxRows: -1}), []string{"for a", "negative"}},
		{"negative age", aimdb.Retain("a", aimdb.Retention{MaxAge: -time.Hour}), []string{"for a", "negative"}},
		{"nothing", aimdb.Retain("a", aimdb.Retention{}), []string{"for a", "says nothing"}},
		{"both", aimdb.Retain("a", aimdb.Retention{Forever: true, MaxRows: 1}), []string{"for a", "choose one"}},
		{"negative file", aimdb.HistoryBytes(-1), []string{"-1 bytes", "positive"}},
		{"negative time", aimdb.SweepEvery(-time.Second), []string{"-1s", "positive"}},
	} {
		store, err := sqlite.Open(filepath.Join(t.TempDir(), "history.db"))
		if err != nil {
			t.Fatal(err)
		}
		db, err := aimdb.New(aimdb.WithPersistence(store, 0), c.opt)
		if err == nil {
			t.Errorf("%s: no error", c.name)
			_ = db.Close()
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not say %q", c.name, err, part)
			}
		}
	}
}
