//go:build !linux

package disk

import (
	"errors"
	"fmt"
)

// Kind returns the name of the kind of file system that has a path, "" if it is none of
// those that are a bad place for a database, and why it is one.
func Kind(path string) (name, why string, err error) {
	return "", "", fmt.Errorf("ask for the file system at %s: %w", path, errors.ErrUnsupported)
}
