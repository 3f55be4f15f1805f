//go:build !linux && !darwin

package disk

import (
	"errors"
	"fmt"
)

// SpaceOf returns the space of the file system that has a path.
func SpaceOf(path string) (Space, error) {
	return Space{}, fmt.Errorf("ask for the free space at %s: %w", path, errors.ErrUnsupported)
}
