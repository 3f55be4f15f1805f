package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestServiceOnADiskThatFills: the server goes on, refuses soon what it cannot keep and says
// why, and takes values again once there is space. What was acknowledged is stored once, and
// what was refused as not set never.
func TestServiceOnADiskThatFills(t *testing.T) {
	t.Parallel()
	d := newFaultyDisk(t)
	at, devices := "http://127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	s := startServe(t, filepath.Join(d.top, "a"), "--data", d.data(), "--http", strings.TrimPrefix(at, "http://"), "--mqtt", devices)
	stored := map[int]int{} // what history may have of each value
	sent := 0
	put := func() (status int, text string) {
		sent++
		status, text = answerOf(t, http.MethodPut, at+"/api/records/room", fmt.Sprintf(`{"n":%d,"x":%q}`, sent, strings.Repeat("x", 1<<15)))
		switch {
		case status == http.StatusNoContent:
			stored[sent] = once
		case strings.Contains(text, `"no_space"`):
			stored[sent] = never
		default:
			stored[sent] = perhaps
		}
		return status, text
	}
	if status, _ := put(); status != http.StatusNoContent {
		t.Fatalf("PUT is answered with %d", status)
	}
	if got, want := publishOnce(t, devices), []byte{0x40, 2, 0, 1}; !bytes.Equal(got, want) {
		t.Errorf("the MQTT client gets % x, want PUBACK", got)
	}
	d.fill()
	begun := time.Now()
	status, text := put()
	for status == http.StatusNoContent { // it fitted into what the log had allocated
		begun = time.Now()
		status, text = put()
	}
	t.Logf("PUT is answered after %v", time.Since(begun))
	full := []string{"the log cannot be written: write " + d.data() + "/log/", "no space left on device; free some space on its disk"}
	expectFull(t, "the first PUT", status, text, append(full, "not_logged", "a value that is sent again can be stored twice")...)
	status, text = put()
	expectFull(t, "the next PUT", status, text, append(full, "no_space", "the value was not set")...)
	status, text = answerOf(t, http.MethodPost, at+"/api/write", `{"key":"room","value":1}`+"\n"+`{"key":"room","value":1}`)
	expectFull(t, "a batch", status, text, append(full, `"accepted":0`, "no line after line 1 was read")...)
	status, text = answerOf(t, http.MethodGet, at+"/readyz", "")
	expectFull(t, "/readyz", status, text, full...)
	if status, text := answerOf(t, http.MethodGet, at+"/health", ""); status != http.StatusOK || !strings.Contains(text, "no space left on device") {
		t.Errorf("/health is answered with %d %s", status, text)
	}
	for _, path := range []string{"/livez", "/api/records/room"} {
		if status, text := answerOf(t, http.MethodGet, at+path, ""); status != http.StatusOK {
			t.Errorf("%s is answered with %d %s", path, status, text)
		}
	}
	aimdb(t, "record", "set", "room", `1`, "--connect", "unix://"+s.socket).fails(t, exitFailed, "the value was not set", "no space left on device")
	if got := publishOnce(t, devices); len(got) != 0 {
		t.Errorf("the MQTT client gets % x, want the end of its connection", got)
	}
	documentedFault(t, serveSaid(t, s.socket), "no space left on device")
	documentedFault(t, text, "the log cannot be written")

	d.free()
	soon(t, "PUT is answered again", func() bool {
		status, _ := put()
		return status == http.StatusNoContent
	})
	if status, text := answerOf(t, http.MethodGet, at+"/readyz", ""); status != http.StatusOK {
		t.Errorf("/readyz is answered with %d %s", status, text)
	}
	d.may(s.cmd.Process.Signal(syscall.SIGTERM))
	d.may(<-s.ended)
	out := aimdb(t, "history", "query", filepath.Join(d.data(), "history.db"), "room", "--latest", "100000", "--format", "ndjson").ok(t)
	for n, want := range stored {
		got := strings.Count(out, fmt.Sprintf(`{"n":%d,`, n))
		if want == once && got != 1 || want == never && got != 0 || got > 1 {
			t.Errorf("value %d is stored %d times, want %s", n, got, [...]string{"never", "once", "once or never"}[want])
		}
	}
}

// What history may have of a value.
const (
	never = iota
	once
	perhaps
)

// expectFull checks the answer of a server on a full disk.
func expectFull(t *testing.T, what string, status int, text string, want ...string) {
	t.Helper()
	for _, part := range want {
		if status != http.StatusServiceUnavailable || !strings.Contains(text, part) {
			t.Errorf("%s is answered with %d %s\nwant 503 with %q", what, status, text, part)
		}
	}
}

// publishOnce publishes a value by MQTT 3.1.1 with QoS 1, and returns the acknowledgement,
// nothing if the server closes the connection.
func publishOnce(t *testing.T, address string) []byte {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(noAnswer)) // the read fails
	const topic = "aimdb/aimdb/set/room"
	body := append([]byte{0, byte(len(topic))}, topic+"\x00\x01"+"1"...)
	packets := append(connectPacket("full"), 0x32, byte(len(body)))
	if _, err := conn.Write(append(packets, body...)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil { // CONNACK
		t.Fatal(err)
	}
	got := make([]byte, 4)
	n, err := io.ReadFull(conn, got)
	if err != nil && err != io.EOF {
		t.Errorf("the MQTT connection is not closed: %v", err)
	}
	return got[:n]
}

// answerOf returns the answer of a request, and 0 if there is none within some seconds.
func answerOf(t *testing.T, method, url, body string) (status int, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), noAnswer)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	var b bytes.Buffer
	if _, err := io.Copy(&b, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, b.String()
}
