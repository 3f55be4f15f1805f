//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// takeAfter gives a file the mode and the owner of another, so that whoever used
// that one can use it too.
func takeAfter(path string, other os.FileInfo) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	have, known := info.Sys().(*syscall.Stat_t)
	want, alsoKnown := other.Sys().(*syscall.Stat_t)
	if !known || !alsoKnown {
		return errors.New("the owner of a file is not known on this system")
	}
	if have.Uid != want.Uid || have.Gid != want.Gid {
		if err := os.Chown(path, int(want.Uid), int(want.Gid)); err != nil {
			return fmt.Errorf("give the new file the owner of the old one: %w; do this as that owner, or as root", err)
		}
	}
	return os.Chmod(path, other.Mode().Perm())
}
