//go:build unix

package aimx

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// otherOwner reports whether another user owns a file, and returns that user's ID.
func otherOwner(info fs.FileInfo) (owner string, other bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", false
	}
	return strconv.FormatUint(uint64(stat.Uid), 10), int64(stat.Uid) != int64(os.Geteuid())
}
