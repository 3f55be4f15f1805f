package sqlite

import (
	"errors"
	"fmt"
	"os"
)

// The modes of what belongs to a history: nobody but its user reads it.
const (
	privateFile = 0o600
	privateDir  = 0o700
)

// createPrivate makes an empty file if there is none. SQLite would make one that
// everybody can read, and gives the files beside one its mode.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, privateFile)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	return f.Close()
}
