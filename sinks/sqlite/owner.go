package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/aimdb-go/aimdb/internal/filelock"
)

// lockSuffix names the file beside a history that its owner holds a lock on.
const lockSuffix = ".lock"

const (
	// lockRetry is the time between two attempts to become the owner.
	lockRetry = 10 * time.Millisecond
	// lockWait is how long Open waits for an owner that is about to end, or for
	// a command that maintains the file.
	lockWait = time.Second
)

// takeOwnership takes the right to change what a history is: to migrate it, to
// mark it as in use or left in good order, to move it aside. One process has it
// at a time. The history need not exist yet. takeOwnership returns nil and no
// error if another process keeps it for longer than wait.
func takeOwnership(ctx context.Context, path string, wait time.Duration) (*filelock.Lock, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		owner, err := filelock.Take(lockPath(path), privateFile)
		if err == nil {
			return owner, nil
		}
		if !errors.Is(err, filelock.ErrHeld) {
			return nil, fmt.Errorf("lock the history %s: %w (it needs the right to make that file; its disk may be full)", path, err)
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-time.After(lockRetry):
		}
	}
}

// lockPath follows links, as SQLite does: two names of one file have one lock.
func lockPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path + lockSuffix
}

// inUse is the error of who is refused for another owner.
func inUse(path string) error {
	return fmt.Errorf("open the history %s: %w, which holds %s; stop that process or give another path; nothing was changed", path, ErrInUse, lockPath(path))
}
