package bus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// syncDescription forces the description of the stream, and the directories
// that lead to it, to the disk. The server writes it at every start and leaves
// it to the system: after a power loss soon behind, it would pass over the log
// and make another one, with another identity, over the same messages, and a
// sink would store them twice.
func syncDescription(dir string) error {
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // the server renames and removes files of its own
		case err != nil:
			return err
		case e.IsDir() && runtime.GOOS == "windows": // has no such call
			return nil
		case !e.IsDir() && !strings.HasPrefix(e.Name(), "meta."):
			return nil
		}
		return syncFile(path)
	})
	if err != nil {
		return fmt.Errorf("bus: force the description of the log in %s to the disk: %w", dir, err)
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
