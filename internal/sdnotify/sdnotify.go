package sdnotify

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// Socket is where the service manager listens. The zero Socket has none: nothing is sent.
type Socket struct {
	name     string
	watchdog time.Duration
}

// New returns the socket that NOTIFY_SOCKET names, and the time of WATCHDOG_USEC if
// WATCHDOG_PID is this process. env looks up environment variables.
func New(env func(string) string, pid int) Socket {
	s := Socket{name: env("NOTIFY_SOCKET")}
	if s.name == "" {
		return s
	}
	if of := env("WATCHDOG_PID"); of != "" && of != strconv.Itoa(pid) {
		return s
	}
	if µs, err := strconv.ParseInt(env("WATCHDOG_USEC"), 10, 64); err == nil && µs > 0 {
		s.watchdog = time.Duration(µs) * time.Microsecond
	}
	return s
}

// Watchdog returns how long the service manager waits for a sign of life, 0 for ever. Send
// WATCHDOG=1 twice in that time.
func (s Socket) Watchdog() time.Duration { return s.watchdog }

// Send sends lines such as READY=1 in one message.
func (s Socket) Send(lines ...string) error {
	if s.name == "" {
		return nil
	}
	// A name that begins with @ is an abstract socket, in net as in systemd.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.name, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell the service manager %s: %w", lines[0], err)
	}
	defer func() { _ = conn.Close() }() // a datagram is sent or not
	if _, err := conn.Write([]byte(strings.Join(lines, "\n"))); err != nil {
		return fmt.Errorf("tell the service manager %s: %w", lines[0], err)
	}
	return nil
}
