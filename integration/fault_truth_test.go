package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The checkpoint truth table, for the whole database with files on disk.

// A log that was deleted after an orderly stop has taken nothing with it that was
// not stored, and its mark says so. Without the mark nobody knows.
func TestLogDirectoryDeleted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		deleted []string
		unknown bool
	}{
		{"log", []string{"log"}, false},
		{"log and mark", []string{"log", "log.mark"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, dir, history string) {
				s := setup{dir: dir, history: history}
				visit(t, s, 1, 100)
				for _, name := range c.deleted {
					if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
						t.Fatal(err)
					}
					if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
						t.Fatal(err)
					}
				}
				// A loss is told once.
				for first, last := 101, 200; last <= 210; first, last = 201, last+10 {
					visit(t, s, first, last)
					checkNumbers(t, history, sent(last))
					if !c.unknown {
						nothingLost(t, history)
						continue
					}
					missingAfter(t, history, 300)
				}
			})
		})
	}
}

func TestHistoryDeleted(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, dir, history string) {
		s := setup{dir: dir, history: history}
		visit(t, s, 1, 100)
		deleteHistory(t, history)
		visit(t, s, 101, 200)
		checkNumbers(t, history, sent(200))
		nothingLost(t, history)
	})
}

func TestHistoryRestoredFromAnOlderCopy(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, dir, history string) {
		s := setup{dir: dir, history: history}
		visit(t, s, 1, 100)
		restore := copyHistory(t, history)
		visit(t, s, 101, 200)
		restore()
		visit(t, s, 201, 300)
		checkNumbers(t, history, sent(300))
		nothingLost(t, history)
	})
}

// A history that goes on with the log of another directory, such as that of another
// machine, takes all of it. Nobody knows whether the first log had more.
func TestHistoryWithTheLogOfAnotherDatabase(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, dir, history string) {
		visit(t, setup{dir: dir, history: history}, 1, 100)
		for first := 101; first <= 201; first += 100 {
			visit(t, setup{dir: filepath.Join(dir, "other"), history: history}, first, first+99)
		}
		checkNumbers(t, history, sent(300))
		missingAfter(t, history, 300)
	})
}

func TestTwoProcessesOnOneDirectory(t *testing.T) {
	t.Parallel()
	eachStore(t, twoProcessesOnOneDirectory)
}

func twoProcessesOnOneDirectory(t *testing.T, dir, history string) {
	first := startWriter(t, dir, history, "logged")
	first.awaitAck(t)
	second := startWriter(t, dir, history, "logged")
	<-second.done
	err := second.cmd.Wait()
	said := second.stderr.String()
	if err == nil || !strings.Contains(said, "in use by another process") {
		t.Errorf("the second process: %v\n%s", err, said)
	}
	if !inPostgres(history) {
		staysUnclean(t, history)
	}
	first.awaitAck(t)
	acked := map[string]int{}
	if err := first.signal(os.Kill); err == nil {
		t.Error("the first process ended by itself")
	}
	first.merge(acked)
	settle(t, dir, history, "logged")
	checkNumbers(t, history, acked)
}

// staysUnclean checks a mark of SQLite's file. What marks a file as left in good order
// would spare the next start the look at it, although its process is about to be killed.
func staysUnclean(t *testing.T, dir string) {
	t.Helper()
	var clean string
	if err := openSQL(t, dir).QueryRow("SELECT value FROM aimdb_meta WHERE key = 'clean'").Scan(&clean); err != nil || clean != "0" {
		t.Errorf("after the second process the running history is marked %q, %v", clean, err)
	}
}

// missingAfter checks that the ledger has only that the log after a sequence is missing.
func missingAfter(t *testing.T, history string, sequence int) {
	t.Helper()
	losses := ledger(t, openSQL(t, history))
	if len(losses) != 1 || losses[0].cause != "log_missing" || losses[0].from != sequence+1 {
		t.Errorf("ledger %+v, want that the log after %d is missing", losses, sequence)
	}
}

func nothingLost(t *testing.T, history string) {
	t.Helper()
	if losses := ledger(t, openSQL(t, history)); len(losses) > 0 {
		t.Errorf("ledger %+v, want nothing: the log had it all", losses)
	}
}

// newestIs checks what the records got back at start.
func (p *patient) newestIs(n int) {
	p.t.Helper()
	for _, r := range p.records {
		if v, ok := r.Latest(); !ok || v.N != n {
			p.t.Errorf("record %s starts with %v, %v, want %d", r.Key(), v, ok, n)
		}
	}
}

// A clock that is set back costs nothing and stores nothing twice: sequences
// and not times say what is new, and records start with what was stored last.
// Rows carry the times they were written at, so queries, which go by time, show
// the rows from before the change as newer for as long as the clock is behind
// them.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	visit(t, setup{dir: dir}, 1, 100)
	// That the clock is an hour behind now is the same as that the rows were
	// written an hour later.
	db := openSQL(t, dir)
	for _, text := range []string{
		"UPDATE record_history SET stored_at = stored_at + 3600000",
		"UPDATE aimdb_record SET last_time = last_time + 3600000",
	} {
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	for first := 101; first <= 301; first += 100 {
		visit(t, setup{dir: dir}, first, first+99)
	}
	checkNumbers(t, dir, sent(400))
	nothingLost(t, dir)
}
