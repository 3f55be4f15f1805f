package aimdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// lock keeps a second process off a directory. The operating system releases
// it when the process dies, however it does; the file stays.
type lock struct{ file *flock.Flock }

func lockDir(dir string) (*lock, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("aimdb: make the data directory %s: %w; choose one this user may write to", dir, err)
	}
	path := filepath.Join(dir, "aimdb.lock")
	l := &lock{flock.New(path)}
	ok, err := l.file.TryLock()
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("aimdb: lock the data directory %s: %w; choose one this user may write to", dir, err)
	case err != nil:
		return nil, fmt.Errorf("aimdb: lock the data directory %s: %w", dir, err)
	case !ok:
		return nil, fmt.Errorf("aimdb: the data directory %s is in use by another process, which holds %s; stop that process or choose another directory", dir, path)
	}
	return l, nil
}

func (l *lock) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
