//go:build unix

package sdnotify

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// environment returns a lookup of NAME=VALUE.
func environment(all ...string) func(string) string {
	return func(name string) string {
		for _, one := range all {
			if n, value, _ := strings.Cut(one, "="); n == name {
				return value
			}
		}
		return ""
	}
}

func TestSend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	s := New(environment("NOTIFY_SOCKET="+path, "WATCHDOG_PID=7", "WATCHDOG_USEC=2000000"), 7)
	if s.Watchdog() != 2*time.Second {
		t.Errorf("the watchdog waits %v", s.Watchdog())
	}
	if err := s.Send("READY=1", "STATUS=serves"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 100)
	n, err := l.Read(got)
	if err != nil || string(got[:n]) != "READY=1\nSTATUS=serves" {
		t.Errorf("the service manager got %q, %v", got[:n], err)
	}
	if s := New(environment("NOTIFY_SOCKET="+path, "WATCHDOG_PID=8", "WATCHDOG_USEC=2000000"), 7); s.Watchdog() != 0 {
		t.Error("the watchdog of another process counts")
	}
}

func TestWithoutAServiceManager(t *testing.T) {
	if err := New(environment("WATCHDOG_USEC=1"), 1).Send("READY=1"); err != nil {
		t.Error(err)
	}
	if err := New(environment("NOTIFY_SOCKET="+filepath.Join(t.TempDir(), "none")), 1).Send("READY=1"); err == nil {
		t.Error("a socket that is not there took a message")
	}
}
