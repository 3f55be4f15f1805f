package natsd

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/aimdb-go/aimdb/internal/filelock"
)

// lockDir keeps a second server out of a log: two on one store destroy it.
func lockDir(dir string) (*filelock.Lock, error) {
	if err := ensureWritable(dir); err != nil {
		return nil, err
	}
	l, err := filelock.Take(filepath.Join(dir, "lock"), 0o600)
	switch {
	case errors.Is(err, filelock.ErrHeld):
		return nil, fmt.Errorf("natsd: lock the log: %w, or by another database of this one; stop that first", err)
	case err != nil:
		return nil, fmt.Errorf("natsd: lock the log: %w", err)
	}
	return l, nil
}
