//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
)

// startServe runs aimdb serve in a process of its own, on a socket only.
func startServe(t *testing.T, socket string, args ...string) *demo {
	t.Helper()
	d := &demo{socket: socket, ended: make(chan error, 1)}
	d.cmd = exec.Command(os.Getenv(binaryVariable), append([]string{"serve", "--http", "off", "--nats", "off", "--mqtt", "off", "--aimx", socket}, args...)...)
	stderr, err := os.Create(socket + ".err") // a file can be read while the process writes
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = stderr
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := stderr.Close(); err != nil { // the process has its own
		t.Fatal(err)
	}
	greeted := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() && !strings.HasPrefix(lines.Text(), "  aimx ") {
		}
		close(greeted)
		_, _ = io.Copy(io.Discard, out) // so that it never blocks on its output
		d.ended <- d.cmd.Wait()
		close(d.ended)
	}()
	t.Cleanup(func() {
		_ = d.cmd.Process.Kill() // it has ended unless the test failed
		<-d.ended
		if t.Failed() {
			t.Logf("aimdb serve said on stderr:\n%s", serveSaid(t, socket))
		}
	})
	select {
	case <-greeted:
	case <-time.After(time.Minute):
		t.Fatal("aimdb serve did not greet")
	}
	return d
}

// serveSaid returns what the server at a socket has written to stderr.
func serveSaid(t *testing.T, socket string) string {
	t.Helper()
	text, err := os.ReadFile(socket + ".err")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestServeKilled: what was logged is there after kill -9, SIGHUP ends nothing, and SIGTERM
// ends it in order.
func TestServeKilled(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "s") // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, data := filepath.Join(dir, "a"), filepath.Join(t.TempDir(), "data")
	d := startServe(t, socket, "--data", data)
	c, err := aimx.Dial(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Set(t.Context(), "room.temperature", json.RawMessage(`{"celsius":21.5}`)); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	r := aimdbIn(t, `{"celsius":22.5}`, "produce", "room.temperature", "--connect", socket)
	r.ok(t)                                                    // the log has it
	aimdb(t, "record", "set", "a b", "1", "--connect", socket) // which is no key
	if r := aimdb(t, "record", "refused", "--connect", socket); !strings.HasPrefix(r.stderr, "accepted 2") || r.code != exitOK {
		t.Errorf("refused: %d %s %s", r.code, r.stdout, r.stderr)
	}
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-d.ended
	d = startServe(t, socket, "--data", data)
	if got := aimdb(t, "record", "get", "room.temperature", "--connect", socket).ok(t); !strings.Contains(got, "22.5") {
		t.Errorf("after kill -9 the record has %s", got)
	}
	if got := aimdb(t, "record", "query", "room.#", "--limit", "9", "--connect", socket).ok(t); !strings.Contains(got, "21.5") || !strings.Contains(got, "22.5") {
		t.Errorf("after kill -9 the history has %s", got)
	}
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	soon(t, "it reloads", func() bool { return strings.Contains(serveSaid(t, socket), "the settings were reloaded") })
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-d.ended; err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

func TestConfigCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "bad.yaml")
	for path, text := range map[string]string{good: "tokens:\n  - {token: verysecret, read: ['#']}\n", bad: "htpp: x\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	aimdb(t, "config", "check", "--config", good).ok(t)
	if r := aimdb(t, "config", "check", "--config", bad); r.code != exitFailed || !strings.Contains(r.stderr, bad+`:1:1: there is no setting "htpp"; did you mean "http"?`) {
		t.Errorf("bad settings: %d %s", r.code, r.stderr)
	}
	if r := aimdb(t, "config", "check", "--set", "x"); r.code != exitUsage {
		t.Errorf("--set x: %d %s", r.code, r.stderr)
	}
	if got := aimdb(t, "config", "print", "--config", good).ok(t); strings.Contains(got, "verysecret") || !strings.Contains(got, good+":2:") {
		t.Errorf("it prints\n%s", got)
	}
	if got := aimdb(t, "config", "schema").ok(t); !strings.Contains(got, `"$schema"`) {
		t.Errorf("the schema is\n%s", got)
	}
}
