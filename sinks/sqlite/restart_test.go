package sqlite_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// opened starts a store that logs to said, with rows in it.
func opened(t *testing.T, rows int, opts ...sqlite.Option) (s *sqlite.Store, said *logged) {
	t.Helper()
	said = &logged{}
	s = start(t, file(t), append(opts, sqlite.Logger(slog.New(slog.NewTextHandler(said, nil))))...)
	if rows > 0 {
		write(t, s, batch(1, numbered(rows)...))
	}
	return s, said
}

// within waits until something holds.
func within(t *testing.T, d time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", d, what)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// backupOf returns a backup of a store.
func backupOf(t *testing.T, s *sqlite.Store) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "backup.db")
	must(t, s.Backup(t.Context(), to))
	return to
}

// harms are things that happen to a file under a running store, with what the
// store has when it has started again: nothing, or the rows of a backup from when
// it had half of its rows.
var harms = map[string]struct {
	do     func(t *testing.T, path, backup string)
	says   error
	backup bool
}{
	"emptied": {do: func(t *testing.T, path, _ string) { must(t, os.Truncate(path, 0)) }, says: sqlite.ErrShortened},
	"cut": {do: func(t *testing.T, path, _ string) {
		exec(t, another(t, path), "PRAGMA wal_checkpoint(TRUNCATE)") // else the log has all of it
		must(t, os.Truncate(path, 8192))
	}, says: sqlite.ErrShortened},
	"deleted": {do: func(t *testing.T, path, _ string) { must(t, os.Remove(path)) }, says: sqlite.ErrGone},
	"deleted with all beside it": {do: func(t *testing.T, path, _ string) {
		all, err := filepath.Glob(path + "*")
		must(t, err)
		for _, f := range all {
			must(t, os.Remove(f))
		}
	}, says: sqlite.ErrGone},
	"moved":    {do: func(t *testing.T, path, _ string) { must(t, os.Rename(path, path+".moved")) }, says: sqlite.ErrGone},
	"replaced": {do: func(t *testing.T, path, backup string) { must(t, os.Rename(backup, path)) }, says: sqlite.ErrGone, backup: true},
	"replaced by a damaged file": {do: func(t *testing.T, path, backup string) {
		must(t, os.Truncate(backup, 20_000))
		must(t, os.Rename(backup, path))
	}, says: sqlite.ErrGone},
}

func TestAFileThatWasHarmedIsStartedAgain(t *testing.T) {
	const rows = 20_000
	for name, harm := range harms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, said := opened(t, rows/2)
			backup := backupOf(t, s)
			want := everything(t, s)
			write(t, s, batch(rows/2+1, numbered(rows/2)...))
			identity, replaced := s.Identity(), s.Replaced()
			harm.do(t, s.Path(), backup)
			within(t, 1500*time.Millisecond, "an error in the log", func() bool { return said.count("the history stores nothing") == 1 })
			if _, err := s.Stats(t.Context()); !errors.Is(err, harm.says) {
				t.Errorf("stats: %v", err)
			}
			if err := s.Write(t.Context(), batch(rows+1, entry("a", 1, "1"))); !errors.Is(err, harm.says) || sinks.Refused(err) {
				t.Errorf("write: %v", err)
			}
			select {
			case <-replaced:
			case <-time.After(10 * time.Second):
				t.Fatalf("no new start; said: %s", said.String())
			}
			if !harm.backup {
				want = nil
			}
			if (s.Identity() == identity) != harm.backup {
				t.Errorf("the identity was %s and is %s", identity, s.Identity())
			}
			// What follows on the old file would leave a gap in the new one.
			next := batch(rows+1, entry("a", 1, "1"))
			if err := s.Write(t.Context(), next); !errors.Is(err, sqlite.ErrGone) || sinks.Refused(err) {
				t.Errorf("a write without the new checkpoint: %v", err)
			}
			at, err := s.Checkpoint(t.Context())
			if err != nil || at.Sequence != uint64(len(want)) {
				t.Errorf("checkpoint %v, %v; want %d", at, err, len(want))
			}
			write(t, s, next)
			same(t, everything(t, s), append(want, "a 1 1")...)
			same(t, texts(t, s.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, "a")})), "a 1 1")
			counted(t, s, int64(len(want))+1)
			if _, err := sqlite.Open(s.Path(), sqlite.BusyTimeout(0)); !errors.Is(err, sqlite.ErrInUse) {
				t.Errorf("a second owner: %v", err)
			}
			if info, err := os.Stat(s.Path()); err != nil || !harm.backup && info.Mode() != 0o600 {
				t.Errorf("the new file: %v, %v", info, err)
			}
			if said.count("the store has restarted") != 1 {
				t.Errorf("said: %s", said.String())
			}
		})
	}
}

// TestAFileThatComesBackIsUsedOn: there is time to undo a mistake.
func TestAFileThatComesBackIsUsedOn(t *testing.T) {
	t.Parallel()
	s, said := opened(t, 100)
	identity := s.Identity()
	must(t, os.Rename(s.Path(), s.Path()+".away"))
	within(t, 1500*time.Millisecond, "an error in the log", func() bool { return said.count("the history stores nothing") == 1 })
	must(t, os.Rename(s.Path()+".away", s.Path()))
	within(t, 1500*time.Millisecond, "that all is well", func() bool { return said.count("in order again") == 1 })
	write(t, s, batch(101, entry("a", 1, "1")))
	if n := len(everything(t, s)); n != 101 || s.Identity() != identity {
		t.Errorf("%d rows, identity %s and before %s", n, s.Identity(), identity)
	}
	if _, err := s.Stats(t.Context()); err != nil {
		t.Errorf("stats: %v", err)
	}
}

// TestAFileThatCannotBeStartedAgainIsLeftAlone, and is tried again until it can.
func TestAFileThatCannotBeStartedAgainIsLeftAlone(t *testing.T) {
	t.Parallel()
	s, said := opened(t, 100)
	backup := backupOf(t, s)
	foreign := made(t, "CREATE TABLE customers (name)")
	before, err := os.ReadFile(foreign)
	must(t, err)
	must(t, os.Rename(foreign, s.Path()))
	within(t, 10*time.Second, "why there is no new start", func() bool { return said.count("could not restart") == 1 })
	if err := s.Write(t.Context(), batch(101, entry("a", 1, "1"))); !errors.Is(err, sqlite.ErrForeign) || sinks.Refused(err) {
		t.Errorf("write: %v", err)
	}
	if after, err := os.ReadFile(s.Path()); err != nil || string(after) != string(before) {
		t.Errorf("the other file was changed: %v", err)
	}
	replaced := s.Replaced()
	must(t, os.Rename(backup, s.Path()))
	<-replaced
	if _, err := s.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, s, batch(101, entry("a", 1, "1")))
	if n := len(everything(t, s)); n != 101 || said.count("could not restart") != 1 {
		t.Errorf("%d rows; said: %s", n, said.String())
	}
}

// TestADamagedFileStaysWithStrict: who asked for it decides what becomes of it.
func TestADamagedFileStaysWithStrict(t *testing.T) {
	t.Parallel()
	s, said := opened(t, 100, sqlite.Strict())
	must(t, os.Truncate(s.Path(), 0))
	within(t, 10*time.Second, "why there is no new start", func() bool { return said.count("option Strict") == 1 })
	if err := s.Write(t.Context(), batch(101, entry("a", 1, "1"))); !errors.Is(err, sqlite.ErrShortened) {
		t.Errorf("write: %v", err)
	}
	if all, err := filepath.Glob(s.Path() + ".*-*"); err != nil || len(all) > 0 {
		t.Errorf("moved aside: %v, %v", all, err)
	}
}

// TestACommandDoesNotStartAgain: a file that it does not own is not its to make.
func TestACommandDoesNotStartAgain(t *testing.T) {
	t.Parallel()
	s, said := opened(t, 100, sqlite.Beside())
	must(t, os.Remove(s.Path()))
	within(t, 1500*time.Millisecond, "an error in the log", func() bool { return said.count("the history stores nothing") == 1 })
	time.Sleep(4 * time.Second) // longer than an owner waits
	_, err := s.Import(t.Context(), each(history.Row{Record: "a", Value: []byte("1")}))
	if !errors.Is(err, sqlite.ErrGone) {
		t.Errorf("import: %v", err)
	}
	if _, err := os.Stat(s.Path()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a file again: %v", err)
	}
}

// TestWhatBeganOnOneFileEndsWithIt: neither a query nor a sweep goes on with rows
// of another file.
func TestWhatBeganOnOneFileEndsWithIt(t *testing.T) {
	t.Parallel()
	s, _ := opened(t, 20_000)
	replaced := s.Replaced()
	release := s.HoldSweep(t)
	n, last := 0, error(nil)
	for _, err := range s.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, "#")}) {
		if last = err; err != nil {
			break
		}
		if n++; n == 100 {
			must(t, os.Remove(s.Path()))
			<-replaced
			must(t, lastError(s.Checkpoint(t.Context())))
			write(t, s, batch(1, numbered(20_000)...))
		}
	}
	if !errors.Is(last, sqlite.ErrGone) || n >= 20_000 {
		t.Errorf("after %d rows the query ended with %v", n, last)
	}
	if err := s.DeleteRecord(t, "r0"); !errors.Is(err, sqlite.ErrGone) {
		t.Errorf("delete of a sweep from before: %v", err)
	}
	release()
	defer s.HoldSweep(t)()
	if err := s.DeleteRecord(t, "r0"); err != nil {
		t.Errorf("delete of a sweep from after: %v", err)
	}
}

func lastError[T any](_ T, err error) error { return err }

// TestASweepIsNoHarm: the file gets shorter by sweeps and rows come that only the
// write-ahead log has, and nothing is wrong with it.
func TestASweepIsNoHarm(t *testing.T) {
	t.Parallel()
	s, said := opened(t, 0)
	conn, shorter, first := another(t, s.Path()), 0, uint64(1)
	add := func(rows int) {
		write(t, s, batch(first, numbered(rows)...))
		first += uint64(rows)
	}
	var plan history.PrunePlan
	for i := range 7 {
		plan.Keep = append(plan.Keep, history.Keep{Record: fmt.Sprint("r", i), MaxRows: 10})
	}
	for began := time.Now(); shorter < 3 || time.Since(began) < 3*time.Second; {
		if time.Since(began) > time.Minute {
			t.Fatalf("the file became shorter %d times", shorter)
		}
		add(5000)
		exec(t, conn, "PRAGMA wal_checkpoint(TRUNCATE)")
		before, err := os.Stat(s.Path())
		must(t, err)
		_, err = s.Prune(t.Context(), plan)
		must(t, err)
		exec(t, conn, "PRAGMA wal_checkpoint(TRUNCATE)")
		add(3000)
		if after, err := os.Stat(s.Path()); err == nil && after.Size() < before.Size() {
			shorter++
		}
	}
	if said.count("the history stores nothing") > 0 {
		t.Errorf("the file became shorter %d times; said: %s", shorter, said.String())
	}
	if err := sqlite.Verify(t.Context(), s.Path()); err != nil {
		t.Error(err)
	}
}
