package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	embedded "github.com/aimdb-go/aimdb"

	"github.com/aimdb-go/aimdb/internal/needed"
)

// socketDir is a directory for sockets, which the commands of the test look into.
func socketDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Dir(shortPath(t))
	t.Setenv("AIMDB_SOCKETS", dir)
	t.Setenv("AIMDB_CONNECT", "")
	return dir
}

// number registers a writable number and one that is made by a source.
func number(db *embedded.DB) error {
	_, err := embedded.Register[float64](db, "kitchen::light", embedded.Latest(), embedded.Remote(), embedded.Writable(), embedded.Initial(22.0))
	return err
}

// TestDiscovery: one database is used without --connect, several are listed, and dead and
// silent sockets and those of others hold nothing up.
func TestDiscovery(t *testing.T) {
	dir := socketDir(t)
	none := aimdb(t, "record", "list")
	none.fails(t, exitFailed, "no database was found in "+dir, "--connect")
	if r := aimdb(t, "instance", "list"); r.ok(t) != "" || !strings.Contains(r.stderr, "no socket in "+dir) {
		t.Errorf("%q %q", r.stdout, r.stderr)
	}
	first := filepath.Join(dir, "first.sock")
	serve(t, number, embedded.Name("first"), embedded.Gateway(first))
	silent, err := net.Listen("unix", filepath.Join(dir, "silent.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "dead.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()
	for _, args := range [][]string{{"record", "get", "kitchen::light"}, {"instance", "info"}, {"graph", "order"}} {
		aimdb(t, args...).ok(t)
	}
	states := map[string]string{}
	for line := range strings.Lines(aimdb(t, "instance", "list", "--format", "ndjson").ok(t)) {
		var row listedInstance
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		states[filepath.Base(row.Endpoint)] = string(row.State) + " " + row.Server
	}
	if states["first.sock"] != "ok first" || states["silent.sock"] != "silent " || states["dead.sock"] != "dead " || len(states) != 3 {
		t.Errorf("the states are %v", states)
	}

	second := filepath.Join(dir, "second.sock")
	serve(t, number, embedded.Name("second"), embedded.Gateway(second))
	aimdb(t, "record", "list").fails(t, exitUsage, "2 databases run here", "--connect unix://"+first+"  (first)", "--connect unix://"+second+"  (second)")
	aimdb(t, "record", "list", "--connect", second).ok(t)
	t.Setenv("AIMDB_CONNECT", first)
	if out := aimdb(t, "instance", "info").ok(t); !strings.Contains(out, "first") {
		t.Errorf("info is %s", out)
	}
}

// TestDiscoveryOfOthers: a socket of another user is listed and never used.
func TestDiscoveryOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		needed.Missing(t, "root, which can give a socket away")
	}
	dir := socketDir(t)
	socket := filepath.Join(dir, "a.sock")
	serve(t, number, embedded.Gateway(socket))
	if err := os.Chown(socket, 12345, -1); err != nil {
		t.Fatal(err)
	}
	aimdb(t, "record", "list").fails(t, exitFailed, "belongs to the user 12345", "if you trust it")
	if out := aimdb(t, "instance", "list").ok(t); !strings.Contains(out, "other user 12345") {
		t.Errorf("the list is %s", out)
	}
	aimdb(t, "record", "list", "--connect", socket).ok(t)
}

// TestPing: the pings are printed and summed up, over all that ping can be given.
func TestPing(t *testing.T) {
	socket := shortPath(t)
	db := serve(t, number, embedded.Gateway(socket), embedded.HTTP("127.0.0.1:0", nil), embedded.TCP("127.0.0.1:0"))
	web := db.Addresses().HTTP
	for _, endpoint := range []string{socket, "http://" + web, "http://" + web + "/", "ws://" + web + "/ws", "tcp://" + db.Addresses().TCP} {
		r := aimdb(t, "instance", "ping", "--count", "3", "--interval", "1ms", "--connect", endpoint)
		if strings.Count(r.ok(t), " ms\n") != 3 || !strings.Contains(r.stderr, "3 pings, 3 answered; shortest 0.") {
			t.Errorf("%s: %q %q", endpoint, r.stdout, r.stderr)
		}
	}
	for _, wrong := range [][]string{{"--count", "-1"}, {"--timeout", "0s"}, {"--interval", "-1s"}} {
		aimdb(t, append([]string{"instance", "ping", "--connect", socket}, wrong...)...).fails(t, exitUsage, "negative")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Getenv(binaryVariable), "instance", "ping", "--count", "0", "--interval", "1ms", "--connect", socket)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<10)
	for seen := 0; seen < 3; { // a line is one write
		n, err := out.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		seen += strings.Count(string(buf[:n]), "\n")
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = out.Read(buf)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}

// TestPingOfASilentServer: a ping without an answer makes the exit status 1, and so does a
// connection that ends.
func TestPingOfASilentServer(t *testing.T) {
	for name, ends := range map[string]bool{"silent": false, "ends": true} {
		t.Run(name, func(t *testing.T) {
			socket := serveScript(t, func(conn net.Conn, frame string) {
				switch {
				case strings.Contains(frame, `"hello"`):
					replyTo(conn, frame, `"ok":{"version":"3.0","server":"aimdb","permissions":["read"],"writable_records":[]}`)
				case ends:
					_ = conn.Close()
				}
			})
			r := aimdb(t, "instance", "ping", "--count", "2", "--interval", "1ms", "--timeout", "50ms", "--connect", socket)
			says := "2 pings, 0 answered"
			if ends {
				says = "1 ping, 0 answered"
			}
			r.fails(t, exitFailed, says)
		})
	}
}
