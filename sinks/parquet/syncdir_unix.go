//go:build unix

package parquet

import (
	"errors"
	"os"
)

// syncDir makes new and renamed files of a directory survive a power loss.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
