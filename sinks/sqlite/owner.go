package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// lockSuffix names the file beside a history that its owner holds a lock on.
const lockSuffix = ".lock"

// ownership is the right to migrate a file, to mark it as in use or as closed
// cleanly, and to move it aside. One process has it at a time. The operating
// system releases the lock however the process ends, so a lock file that a kill
// left does no harm.
type ownership struct{ file *flock.Flock }

// takeOwnership takes the ownership of a history, which need not exist. It returns
// nil and no error if another process has it.
func takeOwnership(ctx context.Context, path string, wait time.Duration) (*ownership, error) {
	lock := lockPath(path)
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		o := &ownership{flock.New(lock, flock.SetPermissions(0o600))}
		locked, err := o.file.TryLock()
		if err != nil {
			return nil, fmt.Errorf("lock the history %s: %w (it needs permission to create %s; the disk may be full)", path, err, lock)
		}
		if locked && o.valid() {
			return o, nil
		}
		if err := o.file.Close(); err != nil {
			return nil, fmt.Errorf("lock the history %s: %w", path, err)
		}
		if locked {
			continue // its last holder has just removed the file
		}
		select {
		case <-ctx.Done():
			return nil, nil
		case <-time.After(lockRetry):
		}
	}
}

const (
	// lockRetry is the time between two attempts to become the owner.
	lockRetry = 10 * time.Millisecond
	// lockWait is how long Open waits for an owner that is about to end, or for
	// a command that maintains the file.
	lockWait = time.Second
)

// lockPath follows links, as SQLite does: two names of one file have one lock.
func lockPath(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path + lockSuffix
}

// valid reports whether the locked file is still the one at its path.
func (o *ownership) valid() bool {
	held, err := o.file.Stat()
	if err != nil {
		return false
	}
	found, err := os.Stat(o.file.Path())
	return err == nil && os.SameFile(held, found)
}

// release removes the file and then releases the lock. A process that has opened
// the removed file meanwhile notices and creates a new one.
func (o *ownership) release() error {
	if o == nil {
		return nil
	}
	err := os.Remove(o.file.Path())
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, o.file.Close())
}

// inUse is the error of an Open that another owner prevents.
func inUse(path string) error {
	return fmt.Errorf("open the history %s: %w, which holds %s; stop that process or give another path; nothing was changed", path, ErrInUse, lockPath(path))
}
