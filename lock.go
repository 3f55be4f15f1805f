package aimdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aimdb-go/aimdb/internal/filelock"
)

// lockDir makes a data directory and keeps a second process off it.
func lockDir(dir string) (*filelock.Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("aimdb: make the data directory %s: %w; choose one this user may write to", dir, err)
	}
	l, err := filelock.Take(filepath.Join(dir, "aimdb.lock"), 0o600)
	switch {
	case errors.Is(err, filelock.ErrHeld):
		return nil, fmt.Errorf("aimdb: lock the data directory: %w; stop that process or choose another directory", err)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("aimdb: lock the data directory: %w; choose one this user may write to", err)
	case err != nil:
		return nil, fmt.Errorf("aimdb: lock the data directory: %w", err)
	}
	return l, nil
}
