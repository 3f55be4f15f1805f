package main

import (
	"bufio"
	"fmt"
	"net"
	"regexp"
	"testing"
)

// serveScript serves AimX by a script on the socket that it returns: one call for each
// frame.
func serveScript(t *testing.T, script func(conn net.Conn, frame string)) (socket string) {
	t.Helper()
	socket = shortPath(t)
	l, err := net.Listen("unix", socket)
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
			go func() {
				defer func() { _ = conn.Close() }() // the script is over
				for in := bufio.NewScanner(conn); in.Scan(); {
					script(conn, in.Text())
				}
			}()
		}
	}()
	return socket
}

// replyTo answers a request with "ok":… or "err":….
func replyTo(conn net.Conn, frame, answer string) {
	id := regexp.MustCompile(`"id":(\d+)`).FindStringSubmatch(frame)[1]
	_, _ = fmt.Fprintf(conn, `{"t":"reply","id":%s,%s}`+"\n", id, answer) // the client may be gone
}
