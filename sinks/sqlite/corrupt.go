package sqlite

import (
	"errors"
	"fmt"
	"os"
	"time"

	lib "modernc.org/sqlite/lib"
)

// corruptError wraps an error of SQLite about a damaged file in ErrCorrupt.
func corruptError(err error) error {
	if c := code(err); (c == lib.SQLITE_CORRUPT || c == lib.SQLITE_NOTADB) && !errors.Is(err, ErrCorrupt) {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return err
}

// asideName returns a name with the time for what is moved out of the way.
func asideName(path, why string) string {
	return path + "." + why + "-" + time.Now().UTC().Format("20060102T150405.000Z")
}

// moveAside keeps a damaged file under a name with the time, so that a new one
// can be started in its place.
func moveAside(path string, o options, reason error) error {
	aside := asideName(path, "corrupt")
	for _, suffix := range []string{"-wal", "-shm", ""} {
		err := os.Rename(path+suffix, aside+suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("move the damaged history %s aside: %w (it is damaged because: %w)", path, err, reason)
		}
	}
	o.logger.Error("the history is damaged: it was moved aside and a new one is started, which the log fills as far as it reaches back; older values are only in the old file",
		"file", path, "moved_to", aside, "reason", reason)
	return nil
}
