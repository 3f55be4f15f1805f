//go:build !unix

package integration

import (
	"errors"
	"time"
)

// processorTime is not measured on this system.
func processorTime() (time.Duration, error) {
	return 0, errors.New("the processor time is measured on unix only")
}
