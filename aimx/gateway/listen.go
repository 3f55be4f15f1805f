package gateway

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

	"github.com/gofrs/flock"

	"github.com/aimdb-go/aimdb/aimx"
)

const (
	// socketMode is the access control of a unix socket.
	socketMode = 0o600
	// lockTimeout bounds the wait for others that open a socket in the same
	// directory, which takes them milliseconds.
	lockTimeout = 5 * time.Second
)

// Listen listens on the unix socket of an endpoint and admits only its owner (mode
// 0600). It replaces a socket that an earlier process left there. If a process
// answers there, or the file is not a socket, Listen leaves it and returns an
// error. Closing the listener removes the socket. For a WebSocket, use
// Server.Handler in a web server, and for TCP Server.ServeTCP.
func Listen(endpoint string) (net.Listener, error) {
	e, err := aimx.ParseEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	if e.Path == "" {
		return nil, fmt.Errorf("endpoint %q is no unix socket, such as unix:///tmp/aimdb.sock; a WebSocket is served by a web server, and TCP by a listener of its own", endpoint)
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
		return nil, fmt.Errorf("%w; %s", err, directoryAdvice)
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
		return nil, fmt.Errorf("%w; %s", err, directoryAdvice)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(fmt.Errorf("restrict the socket to its owner: %w", err), l.Close())
	}
	return l, nil
}

const directoryAdvice = "choose a path in a directory that exists and can be written"

var errInUse = errors.New("another process answers there; stop it or choose another path")

// removeStale removes a socket at path on which no process listens.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return errors.New("the file there is not a socket, and is left alone; move it or choose another path")
	}
	if err := checkStale(path); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the stale socket: %w", err)
	}
	return nil
}

// checkStale returns nil if no process listens on the socket at path.
func checkStale(path string) error {
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		return errors.Join(errInUse, conn.Close())
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, os.ErrDeadlineExceeded) {
		return errInUse // the backlog of a slow process is full
	}
	return fmt.Errorf("cannot tell whether the socket is in use: %w", err)
}

// lockDirectory serializes processes that open sockets in one directory. Without
// the lock, two of them could find the same stale socket, and the second could
// remove the new socket of the first. A file system that cannot lock a directory
// is no error.
func lockDirectory(dir string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	lock := flock.New(dir, flock.SetFlag(os.O_RDONLY))
	_, err = lock.TryLockContext(ctx, 5*time.Millisecond)
	var opening *fs.PathError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("another process keeps %s locked", dir)
	case errors.As(err, &opening) && !errors.Is(err, syscall.EISDIR): // EISDIR: the file system wants a lock on a writable file
		return nil, err
	}
	return func() { _ = lock.Close() }, nil
}
