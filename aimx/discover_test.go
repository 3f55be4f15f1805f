package aimx_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/records"
)

// socketDir is a directory whose name is short enough for sockets.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// serveAt serves an empty database.
func serveAt(t *testing.T, socket, name string) {
	t.Helper()
	registry := records.NewRegistry(records.RegistryOptions{})
	if err := registry.Build(); err != nil {
		t.Fatal(err)
	}
	l, err := gateway.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- gateway.New(gateway.Config{Name: name, Registry: registry}).Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		registry.Close()
	})
}

// listenAt listens and hands each connection to do, which may be nil.
func listenAt(t *testing.T, socket string, do func(net.Conn)) *net.UnixListener {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			if do != nil {
				go do(conn)
			}
		}
	}()
	return l
}

// TestDiscover: each socket of a directory is told apart, and none holds it up.
func TestDiscover(t *testing.T) {
	dir := socketDir(t)
	at := func(name string) string { return filepath.Join(dir, name) }
	want := map[string]aimx.State{}
	serveAt(t, at("a.sock"), "first")
	serveAt(t, at("b.sock"), "second")
	want["a.sock"], want["b.sock"] = aimx.Answers, aimx.Answers

	listenAt(t, at("silent.sock"), nil)
	want["silent.sock"] = aimx.Silent
	listenAt(t, at("garbage.sock"), func(c net.Conn) {
		for {
			if _, err := c.Write([]byte(strings.Repeat("garbage", 1000))); err != nil {
				return
			}
		}
	})
	want["garbage.sock"] = aimx.Silent
	listenAt(t, at("closes.sock"), func(c net.Conn) { _ = c.Close() })
	want["closes.sock"] = aimx.Unusable
	listenAt(t, at("old.sock"), func(c net.Conn) {
		_, _ = c.Write([]byte(`{"t":"reply","id":1,"err":"version_mismatch"}` + "\n"))
	})
	want["old.sock"] = aimx.Unusable
	dead := listenAt(t, at("dead.sock"), nil)
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()
	want["dead.sock"] = aimx.Dead

	serveAt(t, at("hidden"), "hidden") // not .sock
	if err := os.WriteFile(at("file.sock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(at("a.sock"), at("link.sock")); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	if os.Geteuid() == 0 {
		listenAt(t, at("foreign.sock"), func(net.Conn) { asked.Add(1) })
		if err := os.Chown(at("foreign.sock"), 12345, -1); err != nil {
			t.Fatal(err)
		}
		want["foreign.sock"] = aimx.Foreign
	}
	for i := range 3 * 16 {
		name := "z" + string(rune('A'+i)) + ".sock"
		listenAt(t, at(name), nil)
		want[name] = aimx.Silent
	}

	begun := time.Now()
	found, err := aimx.Discover(t.Context(), filepath.Join(dir, "absent"), dir)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun); took > aimx.DiscoverTimeout+5*time.Second {
		t.Errorf("it took %s", took)
	}
	if len(found) != len(want) {
		t.Errorf("found %d sockets, want %d", len(found), len(want))
	}
	for _, i := range found {
		name := filepath.Base(i.Endpoint)
		if i.State != want[name] {
			t.Errorf("%s is %q, want %q: %v", name, i.State, want[name], i.Err)
		}
		if answers := i.State == aimx.Answers; answers != (i.Took > 0) || answers != (i.Info.Server != "") {
			t.Errorf("%s: %+v", name, i)
		}
		if i.State == aimx.Foreign && (i.Owner != "12345" || i.Err != nil) {
			t.Errorf("%s: %+v", name, i)
		}
	}
	if asked.Load() != 0 {
		t.Error("a socket of another user was greeted")
	}
}

// TestHTTPEndpoints: the address of a page is that of its WebSocket.
func TestHTTPEndpoints(t *testing.T) {
	for in, want := range map[string]string{
		"http://127.0.0.1:8080":        "ws://127.0.0.1:8080/ws",
		"HTTP://127.0.0.1:8080/#rome":  "ws://127.0.0.1:8080/ws",
		"http://localhost":             "ws://localhost:80/ws",
		"https://db.example":           "wss://db.example:443/ws",
		"https://[::1]":                "wss://[::1]:443/ws",
		"https://db.example/site/ws":   "wss://db.example:443/site/ws",
		"http://localhost:1/?token=se": "ws://localhost:1/ws?token=hidden",
	} {
		e, err := aimx.ParseEndpoint(in)
		if err != nil || e.String() != want {
			t.Errorf("%s is %v, want %s: %v", in, e, want, err)
		}
	}
}
