package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// filled makes a history that nobody has open.
func filled(t *testing.T, path string, value string) {
	t.Helper()
	s, stop := startStop(t, path)
	write(t, s, batch(1, entry("fresh", 1, value)))
	stop()
}

// TestReplace replaces a history while its owner writes. What the owner had stored is in
// the history that is kept, and it continues with the new one.
func TestReplace(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := start(t, path)
	write(t, s, batch(1, numbered(500)...))
	fresh := filepath.Join(filepath.Dir(path), "fresh.db")
	filled(t, fresh, "7")
	var over atomic.Bool
	var writer sync.WaitGroup
	stored := uint64(500)
	writer.Go(func() {
		for !over.Load() {
			if err := s.Write(t.Context(), batch(stored+1, entry("a", 1, "1"))); err != nil {
				if !errors.Is(err, sqlite.ErrGone) {
					t.Error(err)
				}
				return
			}
			stored++
		}
	})
	replaced := s.Replaced()
	kept, err := sqlite.Replace(t.Context(), fresh, path)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-replaced:
	case <-time.After(time.Minute):
		t.Fatal("the owner has not noticed")
	}
	over.Store(true)
	writer.Wait()
	same(t, everything(t, s), "fresh 1 7")
	if at, err := s.Checkpoint(t.Context()); err != nil || at != (history.Position{Log: "log", Sequence: 1}) {
		t.Errorf("checkpoint %v, %v", at, err)
	}
	if err := sinktest.Append(t.Context(), s, batch(2, entry("fresh", 2, "8"))); err != nil {
		t.Fatal(err)
	}
	same(t, everything(t, s), "fresh 1 7", "fresh 2 8")
	if err := sqlite.Verify(t.Context(), kept); err != nil {
		t.Error(err)
	}
	if n := len(everything(t, readOnly(t, kept))); n != int(stored) {
		t.Errorf("the history that is kept has %d rows of %d", n, stored)
	}
	if err := sqlite.Verify(t.Context(), path); err != nil {
		t.Error(err)
	}
}

// TestReplaceRefuses: nothing is changed.
func TestReplaceRefuses(t *testing.T) {
	path := file(t)
	filled(t, path, "1")
	fresh := filepath.Join(filepath.Dir(path), "fresh.db")
	if _, err := sqlite.Replace(t.Context(), fresh, path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("by a file that is not there: %v", err)
	}
	open := start(t, fresh)
	write(t, open, batch(1, entry("fresh", 1, "7")))
	if _, err := sqlite.Replace(t.Context(), fresh, path); err == nil {
		t.Error("a history was replaced by one that is in use")
	}
	if _, err := sqlite.Replace(t.Context(), path, filepath.Join(t.TempDir(), "no.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in the place of nothing: %v", err)
	}
	same(t, everything(t, readOnly(t, path)), "fresh 1 1")
}
