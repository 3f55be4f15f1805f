package aimdb_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/memory"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// A stop with too little time says which records it leaves behind and how many
// values, and the next start has exactly those in the ledger.
func TestAStopThatLeavesValuesBehindIsCounted(t *testing.T) {
	defer goleak.VerifyNone(t)
	const n = 60_000
	dir := t.TempDir()
	db := open(t, dir, aimdb.DrainTimeout(50*time.Millisecond))
	r := register[[200]int](t, db, "a::b", aimdb.Ring(1<<16), aimdb.Persist())
	stop := run(t, db)
	for i := range n {
		r.Produce([200]int{i})
	}
	err := stop()
	if err == nil {
		t.Fatal("Run returned no error although 50 ms cannot log everything")
	}
	said := regexp.MustCompile(`(\d+) of "a::b"`).FindStringSubmatch(err.Error())
	if said == nil {
		t.Fatalf("Run: %v, want the record and a number", err)
	}
	left, _ := strconv.Atoi(said[1]) // digits

	store := openAfterHaste(t, dir)
	db, err = aimdb.New(aimdb.Dir(dir), aimdb.WithPersistence(store, 0))
	if err != nil {
		t.Fatal(err)
	}
	r = register[[200]int](t, db, "a::b", aimdb.Ring(8), aimdb.Persist())
	again := start(t, db)
	r.Produce([200]int{n})
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats, err := db.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lost := uint64(0)
	for l, err := range store.Losses(t.Context()) {
		if err != nil || l.Record != "a::b" || l.Cause != loss.NotLogged || l.To != n {
			t.Errorf("ledger: %+v, %v", l, err)
		}
		lost += l.Count
	}
	rows := uint64(stats.History.Rows) - 1
	if rows+lost != n || lost > uint64(left) || left == 0 {
		t.Errorf("%d rows and %d in the ledger, want %d in all; the error said %d", rows, lost, n, left)
	}
	if m := r.Untyped().Metrics(); m.LostBy[loss.NotLogged] != lost {
		t.Errorf("the record counts %v, the ledger %d", m.LostBy, lost)
	}
	again()

	db = open(t, dir)
	last := start(t, db)
	stats, err = db.Stats(t.Context())
	if err != nil || stats.History.Lost != lost {
		t.Errorf("after another start the ledger has %+v, want %d (%v)", stats.History, lost, err)
	}
	last()
}

// What is logged in memory and not stored ends with the process, and the error of
// Run says so.
func TestAMemoryLogThatIsNotStoredIsAnError(t *testing.T) {
	defer goleak.VerifyNone(t)
	sink := &memory.Sink{}
	broken := &failing{Sink: sink}
	db, err := aimdb.New(aimdb.WithSink(broken), aimdb.DrainTimeout(200*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	r := register[int](t, db, "n", aimdb.Ring(8), aimdb.Persist())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	if err := r.ProduceLogged(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("Run: %v", err)
	}
}

// failing is a sink that takes nothing.
type failing struct{ *memory.Sink }

func (f *failing) Write(context.Context, *sinks.Batch) error { return fmt.Errorf("out of order") }

// openAfterHaste opens the history of a database that had too little time to stop. On
// a busy machine a part of it is left to end by itself, and holds the file until then.
func openAfterHaste(t *testing.T, dir string) *sqlite.Store {
	t.Helper()
	often := time.NewTicker(10 * time.Millisecond)
	defer often.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-often.C {
		store, err := sqlite.Open(filepath.Join(dir, "history.db"))
		if err == nil {
			return store
		}
		if !errors.Is(err, sqlite.ErrInUse) || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
