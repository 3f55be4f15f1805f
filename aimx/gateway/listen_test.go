package gateway_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
)

func TestListenIsForTheOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := gateway.Listen("unix://" + path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket still exists: %v", err)
	}
}

// stale leaves a socket that no process listens on, as a killed process does.
func stale(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := stale(t)
	l, err := gateway.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, l)
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left beside the socket: %v, %v", left, err)
	}
}

// Of many processes that find the same stale socket, one gets the path.
func TestStaleSocketRace(t *testing.T) {
	path := stale(t)
	var mu sync.Mutex
	var won []net.Listener
	var tries sync.WaitGroup
	for range 8 {
		tries.Go(func() {
			if l, err := gateway.Listen(path); err == nil {
				mu.Lock()
				won = append(won, l)
				mu.Unlock()
			}
		})
	}
	tries.Wait()
	for _, l := range won {
		defer closing(t, l)
	}
	if len(won) != 1 {
		t.Errorf("%d listen on one path", len(won))
	}
}

func TestListenErrors(t *testing.T) {
	dir := t.TempDir()
	busy := filepath.Join(dir, "busy")
	l, err := gateway.Listen(busy)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, l)
	file := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for endpoint, want := range map[string]string{
		busy:                             "another process answers there",
		file:                             "not a socket, and is left alone",
		dir:                              "not a socket, and is left alone",
		filepath.Join(dir, "no", "such"): "directory that exists",
		"ws://127.0.0.1:8080":            "served by a web server",
		"tcp://127.0.0.1:8080":           "is no unix socket",
		"http://127.0.0.1":               "is no unix socket",
		"ftp://127.0.0.1":                "unknown scheme",
	} {
		_, err := gateway.Listen(endpoint)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), endpoint) {
			t.Errorf("%s: got %v, want %q", endpoint, err, want)
		}
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "mine" {
		t.Errorf("the file is %q, %v", b, err)
	}
	conn, err := net.Dial("unix", busy)
	if err != nil {
		t.Fatalf("the socket in use is broken: %v", err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func TestTooManyConnections(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.Limits.Connections = 1 })
	barrier(t, h.linePeer(t))
	if _, err := aimx.Dial(soon(t), h.socket); !refusedWith(err, aimx.CodeDenied) {
		t.Errorf("got %v", err)
	}
	barrier(t, h.webPeer(t))
	if _, err := aimx.Dial(soon(t), h.webSocket()); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("got %v", err)
	}
}

func TestFrameTooLong(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.Limits.FrameBytes = 100_000 })
	p := h.linePeer(t)
	exchange(t, p, strings.Repeat(" ", 90_000)+`{"t":"ping"}`, `{"t":"pong"}`)
	// The server may close before it has read all, so the write may fail.
	_, _ = p.conn.Write([]byte(strings.Repeat(" ", 200_000) + "\n"))
	if b, err := p.in.ReadByte(); err == nil {
		t.Errorf("got %q", b)
	}
}

func TestServeAfterClose(t *testing.T) {
	h := open(t)
	if err := h.server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := aimx.Dial(soon(t), h.socket); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a closed server greets, or says nothing: %v", err)
	}
}

func TestServeFailsWithItsListener(t *testing.T) {
	h := open(t)
	l, err := gateway.Listen(filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := h.server.Serve(context.Background(), l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// A temporary error of Accept, such as too many open files, ends no server.
func TestServeRetriesTemporaryErrors(t *testing.T) {
	h := open(t)
	path := filepath.Join(t.TempDir(), "s")
	l, err := gateway.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- h.server.Serve(ctx, &failingListener{Listener: l, failures: 2}) }()
	if _, err := dial(t, path).List(soon(t)); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// failingListener fails to accept a number of times.
type failingListener struct {
	net.Listener
	failures int
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.failures > 0 {
		l.failures--
		return nil, temporaryError{errors.New("too many open files")}
	}
	return l.Listener.Accept()
}

type temporaryError struct{ error }

func (temporaryError) Temporary() bool { return true }
