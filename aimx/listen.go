package aimx

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// socketMode is the access control of a unix socket.
const socketMode = 0o600

// Listen opens the unix socket of an endpoint, for its owner only. A socket
// that an earlier process left behind is replaced; one that somebody answers
// on, or a file that is no socket, is left alone and makes an error. Closing
// the listener removes the socket. A WebSocket endpoint is served by
// Server.Handler in a web server instead.
func Listen(endpoint string) (net.Listener, error) {
	e, err := ParseEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	if e.Path == "" {
		return nil, fmt.Errorf("endpoint %q: a WebSocket is served by the web server; listen on a unix socket instead, such as unix:///tmp/aimdb.sock", endpoint)
	}
	if err := removeStale(e.Path); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", e, err)
	}
	config := net.ListenConfig{Control: restrictSocket}
	l, err := config.Listen(context.Background(), "unix", e.Path)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %s: %w", e, errInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; choose a path in a directory that exists and can be written", e, err)
	}
	if err := os.Chmod(e.Path, socketMode); err != nil {
		return nil, errors.Join(fmt.Errorf("restrict %s to its owner: %w", e, err), l.Close())
	}
	return l, nil
}

// restrictSocket sets the mode before the socket has a name, so that there is
// no moment in which others could connect. Where the system ignores it, the
// chmod after the bind has to do.
func restrictSocket(_, _ string, raw syscall.RawConn) error {
	return raw.Control(func(fd uintptr) {
		_ = syscall.Fchmod(int(fd), socketMode) // see above
	})
}

var errInUse = errors.New("another process answers there; stop it or choose another path")

// removeStale makes place at path if what lies there is a socket on which
// nobody answers.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("the path is taken by something that is not a socket, and is left alone; move it or choose another path")
	}
	if err := refused(path); err != nil {
		return err
	}
	return takeAside(path)
}

// refused returns nil if path is a socket on which nobody listens.
func refused(path string) error {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		return errors.Join(errInUse, conn.Close())
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, os.ErrDeadlineExceeded) {
		return errInUse // its backlog is full: somebody is there, if slow
	}
	return fmt.Errorf("cannot tell whether the socket is in use: %w", err)
}

// takeAside removes a stale socket by renaming it first and asking once more.
// Two processes may find the same stale socket; without this the second could
// remove what the first has just opened in its place.
func takeAside(path string) error {
	aside := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%d", os.Getpid()))
	if err := os.Rename(path, aside); err != nil {
		return fmt.Errorf("move the stale socket aside: %w", err)
	}
	if err := refused(aside); err != nil {
		return errors.Join(err, os.Rename(aside, path))
	}
	if err := os.Remove(aside); err != nil {
		return fmt.Errorf("remove the stale socket: %w", err)
	}
	return nil
}
