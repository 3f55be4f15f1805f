//go:build linux || darwin

package aimdb

import (
	"fmt"
	"syscall"
)

// diskOf returns the file system of a directory.
func diskOf(dir string) (*Disk, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return nil, fmt.Errorf("read the size of the file system of %s: %w", dir, err)
	}
	return &Disk{Bytes: s.Blocks * uint64(s.Bsize), FreeBytes: s.Bavail * uint64(s.Bsize)}, nil
}
