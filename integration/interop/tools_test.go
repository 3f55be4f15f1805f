//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tool returns the path of a tool that make interop has built.
func tool(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(os.Getenv("INTEROP_BIN"), name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; run make interop, which builds it", err)
	}
	return path
}

// run runs a tool to its end and returns what it printed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := try(t, name, args...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", filepath.Base(name), args, err, out)
	}
	return out
}

// refused is run for a tool that must fail.
func refused(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := try(t, name, args...)
	if err == nil {
		t.Fatalf("%s %v did not fail:\n%s", filepath.Base(name), args, out)
	}
	return out
}

func try(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	home := t.TempDir() // so that nobody's settings matter
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home)
	err := cmd.Run()
	return out.String(), err
}

// process is a program that runs beside the test.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error
}

// start starts a program and hands on the lines that it prints.
func start(t *testing.T, line func(string), name string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(name, args...), ended: make(chan struct{})}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = in, in
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close() // the child has it now
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			line(s.Text())
		}
		_, _ = io.Copy(io.Discard, out)
		p.err = p.cmd.Wait()
		_ = out.Close()
		close(p.ended)
	}()
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.ended })
	return p
}

// interrupt sends Ctrl-C and waits for the end.
func (p *process) interrupt(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
		if p.err != nil {
			t.Errorf("%s: %v", p.cmd.Path, p.err)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("%s did not end", p.cmd.Path)
	}
}

// buildCommand builds aimdb and returns its path.
func buildCommand(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "aimdb")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/aimdb-go/aimdb/cmd/aimdb").CombinedOutput(); err != nil {
		t.Fatalf("building aimdb: %v\n%s", err, out)
	}
	return binary
}

// startHub builds and starts the hub, and returns the address of its NATS
// listener.
func startHub(t *testing.T) string {
	t.Helper()
	dir, binary := t.TempDir(), buildCommand(t)
	listens := make(chan string, 1)
	p := start(t, func(line string) {
		if _, address, ok := strings.Cut(line, "NATS  "); ok {
			select {
			case listens <- strings.TrimSpace(address):
			default:
			}
		}
	}, binary, "demo", "--data-dir", filepath.Join(dir, "data"), "--http", "off", "--aimx", "off", "--nats", "127.0.0.1:0", "--pace", "20ms")
	t.Cleanup(func() { p.interrupt(t) })
	select {
	case address := <-listens:
		return address
	case <-p.ended:
		t.Fatalf("the hub ended: %v", p.err)
	case <-time.After(30 * time.Second):
		t.Fatal("the hub did not say where it listens")
	}
	return ""
}
