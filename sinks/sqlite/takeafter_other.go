//go:build !unix

package sqlite

import "os"

// takeAfter gives a file the mode of another.
func takeAfter(path string, other os.FileInfo) error {
	return os.Chmod(path, other.Mode().Perm())
}
