//go:build !unix

package gateway

import "syscall"

// restrictSocket does nothing: without file modes, the access control of the
// directory is that of the socket.
func restrictSocket(_, _ string, _ syscall.RawConn) error { return nil }
