package aimdb_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// unplugged is a store whose writes fail for good while out is set.
type unplugged struct {
	*sqlite.Store
	out func() bool
}

func (u *unplugged) Write(ctx context.Context, b *sinks.Batch) error {
	if u.out() && len(b.Entries) > 0 {
		return errors.New("unplugged")
	}
	return u.Store.Write(ctx, b)
}

// memoryRun runs a database that has a history, but no directory, gives it
// values, and returns the ledger it begins with.
func memoryRun(t *testing.T, path string, outage bool, values ...int) (ledger []loss.Loss) {
	t.Helper()
	store, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	var opts []aimdb.Option
	if outage {
		opts = append(opts, aimdb.DrainTimeout(500*time.Millisecond))
	}
	db, err := aimdb.New(append(opts, aimdb.WithPersistence(&unplugged{store, func() bool { return outage }}, 0))...)
	if err != nil {
		t.Fatal(err)
	}
	r := register[int](t, db, "n", aimdb.Ring(16), aimdb.Persist())
	stop := run(t, db)
	for _, v := range values {
		if err := r.ProduceLogged(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	if !outage {
		if err := db.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for loss, err := range store.Losses(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ledger = append(ledger, loss)
	}
	if err := stop(); (err != nil) != outage {
		t.Errorf("Run: %v, with an outage: %v", err, outage)
	}
	return ledger
}

// A log in memory ends with each run. That is no loss when everything was
// stored before, and one when it was not.
func TestAMemoryLogIsOnlyMissedWhenSomethingWasInIt(t *testing.T) {
	defer goleak.VerifyNone(t)
	path := filepath.Join(t.TempDir(), "history.db")
	for run := range 3 {
		if ledger := memoryRun(t, path, false, run); len(ledger) != 0 {
			t.Fatalf("run %d after runs that ended in order has the losses %+v", run, ledger)
		}
	}
	memoryRun(t, path, true, 100)
	ledger := memoryRun(t, path, false, 3)
	if len(ledger) != 1 || ledger[0].Cause != loss.LogMissing || ledger[0].Count != 0 {
		t.Errorf("after a run that left a value behind the ledger is %+v, want one log_missing of unknown size", ledger)
	}
	if again := memoryRun(t, path, false, 4); len(again) != 1 {
		t.Errorf("the loss is in the ledger %d times: %+v", len(again), again)
	}

	store, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	pattern, err := key.ParsePattern("#")
	if err != nil {
		t.Fatal(err)
	}
	var stored []string
	for row, err := range store.Range(t.Context(), history.RangeQuery{Pattern: pattern}) {
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, string(row.Value))
	}
	if want := []string{"0", "1", "2", "3", "4"}; !slices.Equal(stored, want) {
		t.Errorf("the history has %v, want %v", stored, want)
	}
}
