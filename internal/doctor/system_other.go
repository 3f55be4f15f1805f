//go:build !linux && !darwin

package doctor

import (
	"errors"
	"io/fs"
)

// writable reports whether this user can write to a directory. It is not known here.
func writable(string) bool { return true }

// ownerOf returns the user ID of the owner of a file.
func ownerOf(fs.FileInfo) string { return "not known" }

// fileLimit returns how many files this process can have open.
func fileLimit() (uint64, error) { return 0, errors.ErrUnsupported }

// sameFileSystem reports whether two directories are on one. It is not known here.
func sameFileSystem(string, string) (bool, error) { return false, errors.ErrUnsupported }
