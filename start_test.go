package aimdb_test

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// TestEachValuePassesAStageOnce starts a database three times, with values
// produced before and during the start. A stage that runs on refilled values gets
// those of the earlier runs and then those of this run, each once and in order.
func TestEachValuePassesAStageOnce(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	for round := 1; round <= 3; round++ {
		startWithProducers(t, dir, round)
	}
}

// lateReader answers the start only when the values from before it are logged, so
// that they could be in the history.
type lateReader struct {
	*sqlite.Store
	logged func() bool
}

func (l *lateReader) Latest(ctx context.Context, q history.LatestQuery) iter.Seq2[history.Row, error] {
	for !l.logged() && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	return l.Store.Latest(ctx, q)
}

func startWithProducers(t *testing.T, dir string, round int) {
	t.Helper()
	const count, before, during = 100, 3, 5 // records, and values of each
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	backend := &lateReader{Store: store}
	db, err := aimdb.New(aimdb.Dir(dir), aimdb.WithPersistence(backend, 0))
	if err != nil {
		t.Fatal(err)
	}
	seen := make([][]int, count)
	all := make([]*aimdb.Record[int], count)
	for i := range all {
		all[i] = register[int](t, db, fmt.Sprintf("r%03d", i), aimdb.Ring(64), aimdb.Persist(), aimdb.RefillStages())
		if err := all[i].Tap(func(_ context.Context, v int) { seen[i] = append(seen[i], v) }); err != nil {
			t.Fatal(err)
		}
	}
	produce := func(from, to int) {
		for v := from; v < to; v++ {
			for _, r := range all {
				r.Produce(100*round + v)
			}
		}
	}
	backend.logged = func() bool {
		return !slices.ContainsFunc(all, func(r *aimdb.Record[int]) bool { return r.Untyped().Acked() < before })
	}
	produce(0, before)
	var producing sync.WaitGroup
	producing.Go(func() { produce(before, before+during) })
	stop := run(t, db)
	producing.Wait()
	if err := db.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	var want []int
	for past := 1; past <= round; past++ {
		for v := range before + during {
			want = append(want, 100*past+v)
		}
	}
	wrong := 0
	for i, got := range seen {
		if !slices.Equal(got, want) {
			if wrong++; wrong <= 2 {
				t.Errorf("start %d: the stage of %s got %v, want %v", round, all[i].Key(), got, want)
			}
		}
	}
	if wrong > 2 {
		t.Errorf("start %d: the same for %d of %d records", round, wrong, count)
	}
}

// A stop during the start stores what this run has logged by then.
func TestAStopDuringTheStartStoresEverything(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	reading := make(chan struct{})
	backend := &lateReader{Store: store, logged: sync.OnceValue(func() bool { close(reading); return false })}
	db, err := aimdb.New(aimdb.Dir(dir), aimdb.WithPersistence(backend, 0))
	if err != nil {
		t.Fatal(err)
	}
	r := register[int](t, db, "n", aimdb.Ring(16), aimdb.Persist())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	<-reading
	for v := range 10 {
		r.Produce(v)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if store, err = sqlite.Open(filepath.Join(dir, "history.db")); err != nil {
		t.Fatal(err)
	}
	stored := 0
	for _, err := range store.Latest(t.Context(), history.LatestQuery{Pattern: key.WirePattern("n"), Limit: 20}) {
		if err != nil {
			t.Error(err)
		}
		stored++
	}
	if stored != 10 {
		t.Errorf("%d values are stored, want 10", stored)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
}
