package filelock_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aimdb-go/aimdb/internal/filelock"
)

func take(t *testing.T, path string) *filelock.Lock {
	t.Helper()
	l, err := filelock.Take(path, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOneHolderAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	first := take(t, path)
	if _, err := filelock.Take(path, 0o640); !errors.Is(err, filelock.ErrHeld) || !strings.Contains(err.Error(), path+" is in use by another process") {
		t.Errorf("a second lock: %v", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second := take(t, path) // the file was left over
	if _, err := filelock.Take(path, 0o640); !errors.Is(err, filelock.ErrHeld) {
		t.Errorf("a third lock: %v", err)
	}
	if err := second.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is left: %v", err)
	}
	if err := take(t, path).Remove(); err != nil {
		t.Error(err)
	}
}

func TestTakeNamesThePathAndTheCause(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none", "lock")
	_, err := filelock.Take(path, 0o640)
	if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, filelock.ErrHeld) {
		t.Errorf("no directory: %v", err)
	}
	if want := "lock " + path + ": "; !strings.HasPrefix(err.Error(), want) || strings.Count(err.Error(), path) != 1 {
		t.Errorf("the error is %q, want %q and why", err, want)
	}
}

func TestNilHoldsNothing(t *testing.T) {
	var l *filelock.Lock
	if err := errors.Join(l.Release(), l.Remove()); err != nil {
		t.Error(err)
	}
}

// Holders that remove the file never share it with one that opened it before.
func TestRemovalNeverLetsTwoIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var inside, taken atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 300 {
				l, err := filelock.Take(path, 0o640)
				if errors.Is(err, filelock.ErrHeld) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if inside.Add(1) > 1 {
					t.Error("two hold the lock")
				}
				taken.Add(1)
				inside.Add(-1)
				if err := l.Remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if taken.Load() == 0 {
		t.Error("nobody got the lock")
	}
}
