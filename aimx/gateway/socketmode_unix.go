//go:build unix

package gateway

import "syscall"

// restrictSocket sets the mode before the socket has a name, so that others can
// connect at no moment. Where the system ignores it, the chmod after the bind
// sets it.
func restrictSocket(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		_ = syscall.Fchmod(int(fd), socketMode) // see above
	})
}
