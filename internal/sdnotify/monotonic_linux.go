package sdnotify

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Reloading is what to send before a reload, with READY=1 after it: the time tells systemd which
// reload has ended.
func Reloading() []string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return []string{"RELOADING=1"} // systemd then waits without a limit of its own
	}
	return []string{"RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000)}
}
