//go:build !linux

package doctor

import "errors"

// holder returns the process that holds the lock on a file. It is not known here.
func holder(string) (pid int, err error) { return 0, errors.ErrUnsupported }
