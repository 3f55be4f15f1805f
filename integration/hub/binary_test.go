package hub

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for an event that has to come.
const patience = time.Minute

// buildBinary builds the command and returns its path.
func buildBinary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aimdb")
	if out, err := exec.Command("go", "build", "-o", path, "github.com/aimdb-go/aimdb/cmd/aimdb").CombinedOutput(); err != nil {
		t.Fatalf("build the command: %v\n%s", err, out)
	}
	return path
}

// demo is a running weather hub.
type demo struct {
	t      *testing.T
	cmd    *exec.Cmd
	socket string
	output bytes.Buffer
	done   chan error
}

// startDemo starts the hub of a binary on a data directory and waits until it
// answers on its socket.
func startDemo(t *testing.T, binary, dir string, args ...string) *demo {
	t.Helper()
	d := &demo{t: t, socket: filepath.Join(dir, "s"), done: make(chan error, 1)}
	args = append([]string{"demo", "--data-dir", dir, "--aimx", d.socket, "--nats", "off", "--http", "off"}, args...)
	d.cmd = exec.Command(binary, args...)
	d.cmd.Stdout, d.cmd.Stderr = &d.output, &d.output
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.done <- d.cmd.Wait() }()
	t.Cleanup(d.kill)
	for deadline := time.Now().Add(patience); ; {
		if exec.Command(binary, "instance", "info", "--connect", d.socket).Run() == nil {
			return d
		}
		select {
		case err := <-d.done:
			d.done <- err
			t.Fatalf("the demo ended: %v\n%s", err, d.output.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the demo does not answer\n%s", d.output.String())
		}
	}
}

func (d *demo) kill() {
	_ = d.cmd.Process.Kill() // it may have ended
	err := <-d.done
	d.done <- err
}

// interrupt ends the hub as Ctrl-C does.
func (d *demo) interrupt() {
	d.t.Helper()
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		d.t.Fatal(err)
	}
	err := <-d.done
	d.done <- err
	if err != nil {
		d.t.Errorf("the demo ended with %v\n%s", err, d.output.String())
	}
}

// query returns what the binary prints for a query, a JSON row a line; nothing
// if nothing is stored yet.
func query(t *testing.T, binary, socket string, args ...string) []string {
	t.Helper()
	args = append([]string{"record", "query"}, args...)
	out, err := exec.Command(binary, append(args, "--connect", socket, "--format", "ndjson")...).Output()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	var lines []string
	for s := bufio.NewScanner(strings.NewReader(string(out))); s.Scan(); {
		lines = append(lines, strings.TrimSpace(s.Text()))
	}
	return lines
}
