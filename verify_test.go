package aimdb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks/memory"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func TestVerifyAHealthyDatabase(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	session(t, dir, 0, 500)
	restore := remember(t, filepath.Join(dir, "history.db"))
	session(t, dir, 500, 100)
	v := verifyStopped(t, dir, nil)
	wantVerdict(t, v, aimx.Complete)
	if len(v.Records) != 1 || v.Records[0].Rows != 600 || v.Records[0].Waiting != 0 || v.Database != "aimdb" {
		t.Errorf("%+v", v)
	}
	restore()
	v = verifyStopped(t, dir, nil)
	wantVerdict(t, v, aimx.Complete)
	if len(v.Records) != 1 || v.Records[0].Rows != 500 || v.Records[0].Waiting != 100 {
		t.Errorf("with an older history: %+v", v.Records)
	}
}

// What the log has lost before the history read it is unknown before the next start, and
// known after it. There are 500 values in the history, and 100 only in the
// log.
func TestVerifyFindsALossOnceAndThenKnowsIt(t *testing.T) {
	defer goleak.VerifyNone(t)
	tests := map[string]struct {
		damage func(t *testing.T, dir string, restoreLog func())
		cause  loss.Cause
		lost   uint64
	}{
		"the end of the log is lost": {
			damage: func(t *testing.T, dir string, restoreLog func()) { restoreLog() },
			cause:  loss.LogTruncated, lost: 100,
		},
		"the log is deleted": {
			damage: func(t *testing.T, dir string, _ func()) { removeAll(t, filepath.Join(dir, "log")) },
			cause:  loss.LogMissing, lost: 100,
		},
		"a message is damaged": {
			damage: func(t *testing.T, dir string, _ func()) { flipValue(t, dir, "550") },
			cause:  loss.LogDamaged, lost: 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			session(t, dir, 0, 500)
			restoreHistory := remember(t, filepath.Join(dir, "history.db"))
			restoreLog := remember(t, filepath.Join(dir, "log"))
			session(t, dir, 500, 100)
			restoreHistory()
			test.damage(t, dir, restoreLog)

			for range 2 { // the first time changes nothing
				v := verifyStopped(t, dir, nil)
				wantVerdict(t, v, aimx.UnknownLoss)
				if lost := sum(v.Unknown, test.cause); lost != test.lost && test.cause != loss.LogDamaged || lost == 0 {
					t.Errorf("%d are lost, want %d: %+v", lost, test.lost, v.Unknown)
				}
			}
			session(t, dir, 600, 10)
			v := verifyStopped(t, dir, nil)
			wantVerdict(t, v, aimx.LossesKnown)
			if lost := sum(v.Known, test.cause); lost != test.lost && test.cause != loss.LogDamaged || lost == 0 {
				t.Errorf("%d are known to be lost, want %d: %+v", lost, test.lost, v.Known)
			}
		})
	}
}

// A loss in a ring is known, because the log names it, also before the history has it.
func TestVerifyKnowsARingOverrun(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	db := open(t, dir)
	r := register[int](t, db, "n", aimdb.Ring(8), aimdb.Persist())
	for i := range 20 {
		r.Produce(i)
	}
	start(t, db)()
	v := verifyStopped(t, dir, nil)
	wantVerdict(t, v, aimx.LossesKnown)
	if v.Records[0].Lost[loss.RingOverrun] != 12 || v.Records[0].Rows != 8 {
		t.Errorf("%+v", v.Records)
	}
	removeAll(t, filepath.Join(dir, "history.db"))
	v = verifyStopped(t, dir, nil)
	wantVerdict(t, v, aimx.LossesKnown)
	if v.Records[0].Lost[loss.RingOverrun] != 12 || v.Records[0].Waiting != 8 {
		t.Errorf("with a new history: %+v", v.Records)
	}
}

// What the history proves about its own rows becomes findings, and a repair gets the
// values of the log.
func TestVerifyNamesDamagedRowsAndRepairsThem(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	session(t, dir, 0, 20)
	damage := func(c *checked) {
		c.damaged = []history.DamagedRows{{From: 3, To: 5, Missing: true}, {From: 7, To: 7, Record: "n"}}
		c.holes = []history.Hole{{Record: "n", Run: 1, From: 4, To: 9, Time: 1000}}
	}
	v := verifyStopped(t, dir, damage)
	wantVerdict(t, v, aimx.UnknownLoss)
	if len(v.Unknown) != 3 || v.Unknown[0].Count != 3 || v.Unknown[1].Cause != loss.HistoryDamaged || v.Records[0].Missing != 7 {
		t.Errorf("%+v", v)
	}
	if text := v.Unknown[0].Text; !strings.Contains(text, "rows 3 to 5") || !strings.Contains(text, "repair") {
		t.Errorf("the finding says %q", text)
	}

	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	backend := &checked{Store: store, damaged: []history.DamagedRows{{From: 3, To: 5}}}
	db, err := aimdb.OpenStopped(t.Context(), aimdb.Config{Dir: dir, Backend: backend})
	if err != nil {
		t.Fatal(err)
	}
	v, err = db.Repair(t.Context())
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	wantVerdict(t, v, aimx.Complete)
	if v.Repaired == nil || v.Repaired.Restored != 5 || string(backend.restored[0].Value) != "2" || backend.restored[4].Record != "n" {
		t.Errorf("repaired %+v with %+v", v.Repaired, backend.restored)
	}
}

// A history that was copied into a directory of its own lacks nothing that was known there:
// it is a copy before the first start, and what it does not have is counted after it.
func TestVerifyKnowsACopy(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir, second := t.TempDir(), t.TempDir()
	session(t, dir, 0, 20)
	copyAll(t, filepath.Join(dir, "history.db"), filepath.Join(second, "history.db"))
	v := verifyStopped(t, second, nil)
	wantVerdict(t, v, aimx.LossesKnown)
	if len(v.Known) != 1 || v.Known[0].Cause != loss.LogMissing || !strings.Contains(v.Known[0].Text, "this is a copy, or the log was deleted. Values after sequence ") || len(v.Notes) != 0 {
		t.Errorf("%+v, notes %q", v.Known, v.Notes)
	}
	session(t, second, 20, 5)
	v = verifyStopped(t, second, nil)
	wantVerdict(t, v, aimx.LossesKnown)
	if len(v.Known) != 1 || v.Known[0].Where != "ledger" || v.Known[0].Cause != loss.LogMissing {
		t.Errorf("after a start: %+v", v.Known)
	}
}

// Values that a stop did not log are in its note, and so they are known.
func TestVerifyKnowsWhatAStopLeftBehind(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	db := open(t, dir)
	r := register[int](t, db, "n", aimdb.Ring(8), aimdb.Persist())
	r.Produce(1)
	if err := db.Close(); err == nil {
		t.Fatal("Close does not say that a value is left")
	}
	v := verifyStopped(t, dir, nil)
	wantVerdict(t, v, aimx.LossesKnown)
	if sum(v.Known, loss.NotLogged) != 1 {
		t.Errorf("%+v", v.Known)
	}
}

// While a database runs, values that move from the log into the history are in
// neither list, and the log may discard what was stored meanwhile. What it discards
// too early is counted and never unknown.
func TestVerifyWhileTheDatabaseRuns(t *testing.T) {
	defer goleak.VerifyNone(t)
	t.Run("and the history keeps up", func(t *testing.T) {
		verifyWhileWriting(t, 30, func(v aimdb.Verification) { wantVerdict(t, v, aimx.Complete) })
	})
	t.Run("and the log discards too early", func(t *testing.T) {
		verifyWhileWriting(t, 10_000_000, func(v aimdb.Verification) {
			if v.Verdict != aimx.Complete {
				wantVerdict(t, v, aimx.LossesKnown)
			}
		})
	})
}

// verifyWhileWriting verifies a database that writes into a log of some 200 values,
// and flushes after that many.
func verifyWhileWriting(t *testing.T, flushEvery int, check func(aimdb.Verification)) {
	dir := t.TempDir()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	backend := &checked{Store: store}
	db, err := aimdb.New(aimdb.Dir(dir), aimdb.WithPersistence(backend, 0), aimdb.LogLimits(aimdb.DefaultLogAge, 64<<10))
	if err != nil {
		t.Fatal(err)
	}
	r := register[string](t, db, "n", aimdb.Ring(64), aimdb.Persist(), aimdb.Lossless())
	stop := start(t, db)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		for i := 0; ; i++ {
			err := r.Send(ctx, fmt.Sprintf("%d %s", i, strings.Repeat("x", 200)))
			if err == nil && i%flushEvery == 0 {
				err = db.Flush(ctx)
			}
			if err != nil {
				done <- ctx.Err()
				return
			}
		}
	}()
	discarded := false
	for round := 0; round < 20 || !discarded; round++ {
		v, err := db.Verify(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		check(v)
		discarded = discarded || v.LogFirst > 1
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	stop()
}

// A backend that proves nothing, or that keeps no ledger, is said to be so.
func TestVerifySaysWhatItCannotVerify(t *testing.T) {
	defer goleak.VerifyNone(t)
	db, err := aimdb.New(aimdb.WithPersistence(memoryBackend{&memory.Sink{}}, 0))
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, db)
	v, err := db.Verify(t.Context())
	if err != nil || v.Verdict != aimx.Unverified || v.Unverified == "" || len(v.Notes) == 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := db.Repair(t.Context()); !errors.Is(err, aimdb.ErrNotVerifiable) {
		t.Errorf("Repair returns %v", err)
	}
	stop()
	none, err := aimdb.New()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.Verify(t.Context()); !errors.Is(err, aimdb.ErrNoHistory) {
		t.Errorf("without a history: %v", err)
	}
	if err := none.Close(); err != nil {
		t.Fatal(err)
	}
}

// memoryBackend is a sink in memory as a backend.
type memoryBackend struct{ *memory.Sink }

func (memoryBackend) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (memoryBackend) Close() error                  { return nil }

// OpenStopped refuses what it cannot verify, and makes nothing.
func TestOpenStoppedRefuses(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	used := filepath.Join(dir, "used")
	db := open(t, used)
	for name, test := range map[string]struct {
		config aimdb.Config
		says   string
	}{
		"a directory in use":     {aimdb.Config{Dir: used}, "a database runs in this directory"},
		"a database of no name":  {aimdb.Config{Dir: used, Name: "other"}, "aimdb"},
		"a file":                 {aimdb.Config{Dir: file}, "is no directory"},
		"nothing":                {aimdb.Config{Dir: filepath.Join(dir, "none")}, "none"},
		"a name that is not one": {aimdb.Config{Dir: dir, Name: "a b"}, "name"},
	} {
		if _, err := aimdb.OpenStopped(t.Context(), test.config); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := aimdb.OpenStopped(t.Context(), aimdb.Config{Dir: used}); !errors.Is(err, aimdb.ErrInUse) {
		t.Errorf("a directory in use: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("a directory was made: %v", err)
	}
}
