package filelock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/gofrs/flock"
)

// ErrHeld is the error of Take when another process, or another Lock of this
// one, holds the file.
var ErrHeld = errors.New("in use by another process")

// Lock is a lock on a file. A nil Lock holds nothing.
type Lock struct{ file *flock.Flock }

// Take locks the file at a path and never waits. It makes the file, with the
// given permissions, if there is none. The error names the path, and is ErrHeld
// if somebody else has the lock.
func Take(path string, perm fs.FileMode) (*Lock, error) {
	for {
		l := &Lock{flock.New(path, flock.SetPermissions(perm))}
		locked, err := l.file.TryLock()
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", path, cause(err))
		}
		if !locked {
			return nil, fmt.Errorf("%s is %w", path, ErrHeld)
		}
		current, err := l.current()
		if current {
			return l, nil
		}
		if err := errors.Join(err, l.Release()); err != nil {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
	}
}

// cause leaves out the path that Take names.
func cause(err error) error {
	if opening := (*fs.PathError)(nil); errors.As(err, &opening) {
		return opening.Err
	}
	return err
}

// current reports whether the locked file is the one that others find at the
// path. It is not if the last holder removed it after it was opened here.
func (l *Lock) current() (bool, error) {
	held, err := l.file.Stat()
	if err != nil {
		return false, err
	}
	found, err := os.Stat(l.file.Path())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(held, found), err
}

// Release gives the lock back and keeps the file.
func (l *Lock) Release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}

// Remove removes the file and gives the lock back, in this order: a process that
// opened the removed file meanwhile sees that, and makes a new one.
func (l *Lock) Remove() error {
	if l == nil {
		return nil
	}
	err := os.Remove(l.file.Path())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.file.Close())
}
