//go:build unix

package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// connectPacket is a CONNECT of MQTT 3.1.1 with a clean session.
func connectPacket(client string) []byte {
	body := []byte("\x00\x04MQTT\x04\x02\x00\x78")
	body = binary.BigEndian.AppendUint16(body, uint16(len(client)))
	body = append(body, client...)
	return append([]byte{0x10, byte(len(body))}, body...)
}

// TestServeCrowd: with 5,000 idle MQTT clients and 5,000 web clients that send half of a
// request, values still come in and out, and the server ends in order.
func TestServeCrowd(t *testing.T) {
	const each = 5000
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil || files.Max < 2*each+500 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("a process may have %d files open, and the test needs %d (%v)", files.Max, 2*each+500, err)
		}
		t.Skipf("a process may have %d files open, and the test needs %d", files.Max, 2*each+500)
	}
	dir, err := os.MkdirTemp("", "s") // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	web, devices := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	d := startServe(t, filepath.Join(dir, "a"), "--data", filepath.Join(dir, "data"), "--http", web, "--mqtt", devices)

	var mu sync.Mutex
	var open []net.Conn
	t.Cleanup(func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	})
	dial := func(address string, send []byte, answer int) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		open = append(open, conn)
		mu.Unlock()
		_, err = conn.Write(send)
		if err == nil && answer > 0 {
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute)) // it fails with the read
			_, err = io.ReadFull(conn, make([]byte, answer))
		}
		if err != nil {
			t.Error(err)
		}
	}
	var work sync.WaitGroup
	for worker := range 20 {
		work.Go(func() {
			for i := range each / 20 {
				dial(devices, connectPacket(fmt.Sprintf("d%d-%d", worker, i)), 4)
				dial(web, []byte("PUT /api/records/half HTTP/1.1\r\nHost: "+web+"\r\nContent-Length: 9\r\n\r\n{\"a\""), 0)
			}
		})
	}
	work.Wait()
	if t.Failed() {
		return
	}
	client := &http.Client{Timeout: time.Minute}
	defer client.CloseIdleConnections()
	ask := func(method, path, body string) string {
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+web+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = answer.Body.Close() }() // it was only read
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode/100 != 2 {
			t.Errorf("%s %s: %s, %v: %s", method, path, answer.Status, err, text)
		}
		return string(text)
	}
	ask(http.MethodPut, "/api/records/room.temperature", "21.5")
	if got := ask(http.MethodGet, "/api/records/room.temperature", ""); !strings.Contains(got, "21.5") {
		t.Errorf("the record has %s", got)
	}
	if got := ask(http.MethodGet, "/api/records", ""); strings.Contains(got, "half") {
		t.Errorf("half a request made a record: %s", got)
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-d.ended; err != nil {
		t.Errorf("after SIGTERM among 10,000 connections: %v", err)
	}
}
