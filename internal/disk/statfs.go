//go:build linux || darwin

package disk

import (
	"fmt"
	"syscall"
)

// SpaceOf returns the space of the file system that has a path.
func SpaceOf(path string) (Space, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return Space{}, fmt.Errorf("ask for the free space at %s: %w", path, err)
	}
	block := uint64(st.Bsize)
	return Space{Free: st.Bavail * block, Total: st.Blocks * block}, nil
}
