package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// demo is a running hub.
type demo struct {
	socket string
	said   string       // its greeting
	stderr bytes.Buffer // to be read when it has ended
	cmd    *exec.Cmd
	ended  chan error
}

// startDemo starts the hub on a directory with a socket and nothing else that
// listens, and waits until it has said so.
func startDemo(t *testing.T, dir string, args ...string) *demo {
	t.Helper()
	sockets, err := os.MkdirTemp("", "s") // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	d := &demo{socket: filepath.Join(sockets, "a"), ended: make(chan error, 1)}
	d.cmd = exec.Command(os.Getenv(binaryVariable),
		append([]string{"demo", "--data-dir", dir, "--http", "off", "--nats", "", "--aimx", d.socket}, args...)...)
	d.cmd.Stderr = &d.stderr
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() { // perhaps half way
			_ = d.cmd.Process.Kill()
			<-d.ended
			t.Logf("the hub said on stderr:\n%s", d.stderr.String())
		}
	})
	greeted := make(chan string, 1)
	go func() {
		var said strings.Builder
		lines := bufio.NewScanner(out)
		for left := -1; left != 0 && lines.Scan(); left-- {
			said.WriteString(lines.Text() + "\n")
			if strings.HasPrefix(lines.Text(), "Three things") {
				left = 4 // they follow
			}
		}
		greeted <- said.String()
		_, _ = io.Copy(io.Discard, out) // so that it never blocks on its output
		d.ended <- d.cmd.Wait()
		close(d.ended)
	}()
	select {
	case d.said = <-greeted:
	case <-time.After(30 * time.Second):
		t.Fatal("the hub did not greet")
	}
	return d
}

// stop sends Ctrl-C and waits for a clean end.
func (d *demo) stop(t *testing.T) {
	t.Helper()
	d.stopBy(t, os.Interrupt)
}

// stopBy sends a signal and waits for a clean end.
func (d *demo) stopBy(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := d.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-d.ended:
		if err != nil {
			t.Errorf("the hub did not end cleanly: %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the hub did not end")
	}
}

// TestDemoAndRecords runs every record command against a running hub, then the
// history commands against its file, and the hub again without producing.
func TestDemoAndRecords(t *testing.T) {
	dir := t.TempDir()
	d := startDemo(t, dir, "--pace", "20ms")
	at := []string{"--connect", d.socket, "--format", "ndjson"}
	do := func(args ...string) string { return aimdb(t, append(args, at...)...).ok(t) }

	// What is watched has been produced, and is stored soon.
	watched := lines[seen](t, do("record", "watch", "accuracy::*", "--count", "4"))
	if len(watched) != 4 {
		t.Fatalf("watch --count 4 printed %d values", len(watched))
	}
	for _, w := range watched {
		if !strings.HasPrefix(w.Record, "accuracy::") {
			t.Errorf("watched %q", w.Record)
		}
	}
	if out := do("record", "list"); !strings.Contains(out, `"record_key":"temp::seattle"`) {
		t.Errorf("list lacks temp::seattle:\n%s", out)
	}
	if out := do("record", "get", "temp::seattle"); !strings.Contains(out, "celsius") {
		t.Errorf("get temp::seattle = %s", out)
	}
	if out := do("record", "get", "hub.settings"); !strings.Contains(out, `"tolerance_celsius":2`) {
		t.Errorf("before it was set, hub.settings = %s", out)
	}
	aimdb(t, "record", "set", "hub.settings", `{"tolerance_celsius":1.5}`, "--connect", d.socket).ok(t)
	if out := do("record", "get", "hub.settings"); !strings.Contains(out, "1.5") {
		t.Errorf("after set, hub.settings = %s", out)
	}
	if out := do("instance", "info"); !strings.Contains(out, "hub.settings") || !strings.Contains(out, "3.0") {
		t.Errorf("instance info = %s", out)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"record", "get", "temp::atlantis"}, exitFailed, "temp::atlantis"},
		{[]string{"record", "set", "temp::seattle", "{}"}, exitFailed, "temp::seattle"},
		{[]string{"record", "set", "hub.settings", "{"}, exitUsage, "not JSON"},
		{[]string{"record", "set", "hub.settings", `{"tolerance":true}`}, exitFailed, "hub.settings"},
		{[]string{"record", "get", "a b"}, exitUsage, "a b"},
		{[]string{"record", "query", "acc*"}, exitUsage, "acc*"},
		{[]string{"record", "query", "#", "--limit", "0"}, exitUsage, "--limit"},
		{[]string{"record", "watch", "temp::atlantis"}, exitFailed, "temp::atlantis"},
	} {
		aimdb(t, append(c.args, "--connect", d.socket)...).fails(t, c.code, c.says)
	}
	d.stop(t)
	if _, err := os.Stat(d.socket); err == nil {
		t.Error("the socket is still there after the end")
	}
	db := filepath.Join(dir, "history.db")
	stored := aimdb(t, "history", "query", db, "accuracy::*", "--latest", "5", "--format", "ndjson").ok(t)
	if n := strings.Count(stored, "\n"); n < 4 {
		t.Fatalf("%d rows are stored, although more were watched:\n%s", n, stored)
	}

	d = startDemo(t, dir, "--steps", "0")
	if out := aimdb(t, "record", "get", "hub.settings", "--connect", d.socket).ok(t); !strings.Contains(out, "1.5") {
		t.Errorf("after the restart, hub.settings = %s, want what was set before", out)
	}
	served := aimdb(t, "history", "query", d.socket, "accuracy::*", "--latest", "5", "--format", "ndjson").ok(t)
	if served != stored {
		t.Errorf("the hub serves\n%s\nwhile its file has\n%s", served, stored)
	}
	if again := aimdb(t, "record", "query", "accuracy::*", "--limit", "5", "--connect", d.socket, "--format", "ndjson").ok(t); sorted(again) != sorted(served) {
		t.Errorf("record query = %s", again)
	}
	for _, args := range [][]string{{"export"}, {"query", "#", "--range"}, {"query", "accuracy::*", "--bucket", "1h", "--path", "absolute_error"}} {
		with := func(target string) string {
			return aimdb(t, append([]string{"history", args[0], target}, args[1:]...)...).ok(t)
		}
		if served := with(d.socket); served != with(db) || strings.Count(served, "\n") < 2 {
			t.Errorf("%v of the hub prints\n%s", args, served)
		}
	}
	if out := aimdb(t, "history", "stats", d.socket).ok(t); !strings.Contains(out, "accuracy::") {
		t.Errorf("stats of the hub: %s", out)
	}
	// While it runs: reading and backing up go on, compacting is refused.
	aimdb(t, "history", "stats", db).ok(t)
	aimdb(t, "history", "backup", db, filepath.Join(t.TempDir(), "b.db")).ok(t)
	aimdb(t, "history", "compact", db).fails(t, exitFailed, "another process")
	aimdb(t, "demo", "--data-dir", dir, "--http", "", "--nats", "", "--aimx", "off").fails(t, exitFailed, dir)
	d.stop(t)
}

// A damaged history is not replaced in silence.
func TestDemoSaysThatTheHistoryIsDamaged(t *testing.T) {
	dir := t.TempDir()
	startDemo(t, dir, "--steps", "0").stop(t)
	damage(t, filepath.Join(dir, "history.db"))
	d := startDemo(t, dir, "--steps", "0")
	d.stop(t)
	for _, part := range []string{"level=ERROR", "the history is damaged", "history.db.corrupt-"} {
		if !strings.Contains(d.stderr.String(), part) {
			t.Errorf("stderr does not say %q:\n%s", part, d.stderr.String())
		}
	}
}

// damage overwrites everything behind the header of a database file.
func damage(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 100; i < len(data); i++ {
		data[i] = 0xA5
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func sorted(lines string) string {
	all := strings.Split(lines, "\n")
	slices.Sort(all)
	return strings.Join(all, "\n")
}

func TestNobodyThere(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "none.sock")
	for _, args := range [][]string{
		{"record", "list"}, {"record", "get", "a"}, {"record", "set", "a", "1"},
		{"record", "query", "#"}, {"record", "watch", "#"}, {"instance", "info"},
	} {
		aimdb(t, append(args, "--connect", absent)...).fails(t, exitFailed, "none.sock", "start the database")
		aimdb(t, append(args, "--connect", "gopher://x")...).fails(t, exitUsage, "gopher")
	}
}

// TestConnectVariable: the environment names the database if no flag does.
func TestConnectVariable(t *testing.T) {
	t.Setenv("AIMDB_CONNECT", filepath.Join(t.TempDir(), "from-env.sock"))
	aimdb(t, "instance", "info").fails(t, exitFailed, "from-env.sock")
	aimdb(t, "instance", "info", "--connect", "/nowhere/flag.sock").fails(t, exitFailed, "flag.sock")
}

func TestDemoBadInput(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign")
	if err := os.MkdirAll(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(foreign, "history.db"), []byte(strings.Repeat("not a database ", 300)), 0o600); err != nil {
		t.Fatal(err)
	}
	taken := l.Addr().String()
	quiet := []string{"--http", "", "--nats", "", "--aimx", ""}
	for _, c := range []struct {
		args []string
		says string
	}{
		{append(quiet, "--http", taken), taken},
		{append(quiet, "--nats", taken), taken},
		{append(quiet, "--aimx", "gopher://x"), "gopher"},
		{append(quiet, "--aimx", file), file},
		{append(quiet, "--data-dir", filepath.Join(file, "below")), file},
		{append(quiet, "--data-dir", foreign), "history.db"},
		{append(quiet, "--observations", filepath.Join(dir, "absent.csv")), "absent.csv"},
		{append(quiet, "--observations", file), file},
	} {
		args := append([]string{"demo", "--data-dir", filepath.Join(dir, "data")}, c.args...)
		r := aimdb(t, args...)
		if r.code == exitOK {
			t.Errorf("%v succeeded", c.args)
		}
		if !strings.Contains(r.stderr, c.says) {
			t.Errorf("%v: stderr does not say %q:\n%s", c.args, c.says, r.stderr)
		}
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "x" {
		t.Errorf("a file in the way was touched: %q, %v", content, err)
	}
}
