package natsd

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
)

// dirLock keeps a second server out of a log: two on one store destroy it. The
// system gives it back when the process ends, however it ends.
type dirLock struct{ file *flock.Flock }

func lockDir(dir string) (*dirLock, error) {
	if dir == "" {
		return nil, nil
	}
	if err := writable(dir); err != nil {
		return nil, err
	}
	file := flock.New(filepath.Join(dir, "lock"))
	ours, err := file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("natsd: lock the log directory %s: %w", dir, err)
	}
	if !ours {
		return nil, errors.Join(
			fmt.Errorf("natsd: the log in %s is in use by another process, or by another database of this one: stop that first", dir),
			file.Close())
	}
	return &dirLock{file}, nil
}

// release gives the lock back; the file stays, because removing it would let
// two processes lock two files of one name.
func (l *dirLock) release() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
