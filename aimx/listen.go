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

const (
	// socketMode is the access control of a unix socket.
	socketMode = 0o600
	// lockPatience is how long to wait for others that open a socket in the
	// same directory, which takes them milliseconds.
	lockPatience = 5 * time.Second
)

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
	l, err := listen(e.Path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", e, err)
	}
	return l, nil
}

func listen(path string) (net.Listener, error) {
	unlock, err := lockDirectory(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%w; %s", err, betterDirectory)
	}
	defer unlock()
	if err := removeStale(path); err != nil {
		return nil, err
	}
	config := net.ListenConfig{Control: restrictSocket}
	l, err := config.Listen(context.Background(), "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, errInUse
	}
	if err != nil {
		return nil, fmt.Errorf("%w; %s", err, betterDirectory)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(fmt.Errorf("restrict the socket to its owner: %w", err), l.Close())
	}
	return l, nil
}

const betterDirectory = "choose a path in a directory that exists and can be written"

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
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the stale socket: %w", err)
	}
	return nil
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

// lockDirectory makes processes that open sockets in one directory wait for each
// other. Two of them may find the same stale socket; without this the second
// could remove what the first has just opened in its place.
func lockDirectory(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(lockPatience); ; time.Sleep(5 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return func() { _ = f.Close() }, nil // locked, or on a file system that has no locks
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("another process keeps the directory %s locked", dir), f.Close())
		}
	}
}
