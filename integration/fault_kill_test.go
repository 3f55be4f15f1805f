package integration

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// A process that is killed while its history is pruned all the time loses only
// what was to go, and that from the oldest on.
func TestKillWhilePruning(t *testing.T) {
	t.Parallel()
	eachStore(t, killWhilePruning)
}

func killWhilePruning(t *testing.T, dir, history string) {
	acked := map[string]int{}
	moments := randomMoments(t)
	for range rounds(t, 8/slower) {
		w := startWriter(t, dir, history, "pruning")
		for range 1 + moments.IntN(20) {
			w.awaitAck(t)
		}
		killAfter(t, w, time.Duration(moments.IntN(50))*time.Millisecond)
		w.merge(acked)
	}
	settle(t, dir, history, "pruning")
	db := openSQL(t, history)
	checkIntegrity(t, db, history)
	stored, pruned := storedNumbers(t, db), false
	for _, key := range writerKeys() {
		first, last, err := span(stored[key])
		if err != nil {
			t.Errorf("record %s: %v", key, err)
		}
		if last < acked[key] {
			t.Errorf("record %s: stored up to %d, but %d was acknowledged", key, last, acked[key])
		}
		if first > 1 && last-first+1 < min(keptRows, last) {
			t.Errorf("record %s: %d to %d are left, fewer than the %d to keep", key, first, last, keptRows)
		}
		pruned = pruned || first > 1
		t.Logf("record %s: %d to %d stored, %d acknowledged", key, first, last, acked[key])
		checkCounts(t, db, history, key, last-first+1)
	}
	if !pruned {
		t.Error("nothing was pruned")
	}
}

// checkCounts compares the counts beside the history with what is there: both
// change in one transaction.
func checkCounts(t *testing.T, db *sql.DB, history, key string, rows int) {
	t.Helper()
	column := "name"
	if inPostgres(history) {
		column = "record_name"
	}
	var counted int
	if err := db.QueryRow("SELECT rows FROM aimdb_record WHERE " + column + " = '" + key + "'").Scan(&counted); err != nil || counted != rows {
		t.Errorf("record %s: counted %d rows (%v), there are %d", key, counted, err, rows)
	}
}

// A process that is killed while it starts for the first time, when it makes
// its files, leaves nothing that the next start trips over.
func TestKillDuringTheFirstStart(t *testing.T) {
	t.Parallel()
	moments := randomMoments(t)
	for round := range rounds(t, 6/slower) {
		t.Run(fmt.Sprint("round ", round), func(t *testing.T) {
			eachStore(t, func(t *testing.T, dir, history string) { killFirstStart(t, dir, history, moments) })
		})
	}
}

func killFirstStart(t *testing.T, dir, history string, moments *rand.Rand) {
	for range 2 {
		killAfter(t, startWriter(t, dir, history, "logged"), time.Duration(moments.IntN(150))*time.Millisecond)
	}
	w := startWriter(t, dir, history, "logged")
	w.awaitAck(t)
	killAfter(t, w, 0)
	acked := map[string]int{}
	w.merge(acked)
	settle(t, dir, history, "logged")
	checkNumbers(t, history, acked)
	if aside := asides(t, dir); len(aside) > 0 {
		t.Errorf("a half-made history was taken for a damaged one: %v", aside)
	}
}

func randomMoments(t *testing.T) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(randomSeed(t), 0))
}

// randomSeed returns another seed each time, or the one of AIMDB_SEED.
func randomSeed(t *testing.T) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("AIMDB_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", seed)
	return seed
}

// killAfter kills a child at a moment that is not the child's choice.
func killAfter(t *testing.T, w *child, moment time.Duration) {
	t.Helper()
	<-time.After(moment)
	if err := w.signal(syscall.SIGKILL); err == nil {
		t.Fatalf("the writer ended by itself:\n%s", w.stderr.String())
	}
}
