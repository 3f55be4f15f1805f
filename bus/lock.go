package bus

import (
	"fmt"
	"os"
	"path/filepath"
)

// dirLock keeps a second process out of a log: two servers on one store
// destroy it. The system gives it back when the process ends, however it ends.
type dirLock struct{ file *os.File }

func lockDir(dir string) (*dirLock, error) {
	if dir == "" {
		return nil, nil
	}
	if err := writable(dir); err != nil {
		return nil, err
	}
	name := filepath.Join(dir, "lock")
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o640)
	if err != nil {
		return nil, fmt.Errorf("bus: open the log's lock file: %w", err)
	}
	if err := lockFile(file); err != nil {
		_ = file.Close() // nothing was written
		return nil, fmt.Errorf("bus: the log in %s is in use by another process, or by another database of this one: stop that first (%w)", dir, err)
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
