package natsd

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
)

// dirLock keeps a second server from opening a store, which would destroy it. The
// operating system releases the lock when the process ends, however it ends.
type dirLock struct{ file *flock.Flock }

func lockDir(dir string) (*dirLock, error) {
	if dir == "" {
		return nil, nil
	}
	if err := ensureWritable(dir); err != nil {
		return nil, err
	}
	file := flock.New(filepath.Join(dir, "lock"))
	ours, err := file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("natsd: lock the log directory %s: %w", dir, err)
	}
	if !ours {
		return nil, errors.Join(
			fmt.Errorf("natsd: the log in %s is in use by another process, or by another database of this process: close that first", dir),
			file.Close())
	}
	return &dirLock{file}, nil
}

// release unlocks the directory. The file stays: if it were removed, two processes
// could lock two files of the same name.
func (l *dirLock) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
