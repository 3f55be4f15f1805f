package doctor

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// holder returns the process that holds the lock on a file, 0 if none does. Trying the lock
// could keep a database from it that starts at this moment, so it reads the list of all.
func holder(path string) (pid int, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, fmt.Errorf("%s has no inode", path)
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(locks)) {
		f := strings.Fields(line) // 4: FLOCK ADVISORY WRITE 26733 fe:00:9986348 0 EOF
		if len(f) < 6 || f[1] != "FLOCK" || !strings.HasSuffix(f[5], ":"+strconv.FormatUint(st.Ino, 10)) {
			continue
		}
		if pid, err = strconv.Atoi(f[4]); err != nil {
			return 0, fmt.Errorf("read /proc/locks: %w", err)
		}
		if strings.HasPrefix(f[5], device(st.Dev)) {
			return pid, nil
		}
	}
	return pid, nil // some file systems have another device there
}

// device returns the number of a device as /proc/locks has it.
func device(dev uint64) string {
	return fmt.Sprintf("%02x:%02x:", dev>>8&0xfff, dev&0xff|dev>>12&0xfff00)
}
