//go:build linux || darwin

package doctor

import (
	"fmt"
	"io/fs"
	"syscall"
)

// writable reports whether this user can write to a directory.
func writable(dir string) bool {
	const write = 2
	return syscall.Access(dir, write) == nil
}

// ownerOf returns the user ID of the owner of a file.
func ownerOf(info fs.FileInfo) string {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprint("user ", st.Uid)
	}
	return "not known"
}

// fileLimit returns how many files this process can have open.
func fileLimit() (uint64, error) {
	var l syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l)
	return l.Cur, err
}

// sameFileSystem reports whether two directories are on one.
func sameFileSystem(a, b string) (bool, error) {
	var x, y syscall.Stat_t
	if err := syscall.Stat(a, &x); err != nil {
		return false, err
	}
	err := syscall.Stat(b, &y)
	return x.Dev == y.Dev, err
}
