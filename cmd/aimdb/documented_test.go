package main

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/sinks/process"
)

// root is where the commands of the documents run.
const root = "../.."

// shellBlocks returns the lines of the shell blocks of a document, without comments. Those
// of a heading if it is not empty.
func shellBlocks(t *testing.T, document, heading string) (lines []string) {
	t.Helper()
	f, err := os.Open(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	in, below := false, heading == ""
	for scanner := bufio.NewScanner(f); scanner.Scan(); {
		line := scanner.Text()
		switch {
		case strings.HasPrefix(line, "```"):
			in = line == "```sh"
		case strings.HasPrefix(line, "## ") && heading != "":
			below = line == "## "+heading
		case in && below:
			line, _, _ = strings.Cut(line, " #")
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// TestDocumentedCommands: the commands of the documents exist, with their flags.
func TestDocumentedCommands(t *testing.T) {
	found := 0
	for _, document := range []string{"README.md", "docs/HISTORY.md", "docs/SERVE.md", "docs/how-to/backup-and-restore.md", "docs/SINKS.md", "docs/USE.md"} {
		for _, line := range shellBlocks(t, document, "") {
			for part := range strings.SplitSeq(line, " | ") {
				args, ours := strings.CutPrefix(strings.TrimPrefix(part, "go run ./cmd/"), "aimdb ")
				if !ours {
					continue
				}
				args, _, _ = strings.Cut(args, " > ")
				found++
				out := aimdb(t, append(strings.Fields(args), "--help")...).ok(t)
				_, usage, _ := strings.Cut(out, "Usage:\n  ")
				for i, word := range strings.Fields("aimdb " + args)[:2] {
					if strings.Fields(usage)[i] != word {
						t.Errorf("%s: %s: the help is that of %.50s", document, line, usage)
					}
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("there are only %d commands", found)
	}
}

// TestWhenOneMachineIsNotEnough runs the three commands of README.md in a directory of their
// own, on free ports.
func TestWhenOneMachineIsNotEnough(t *testing.T) {
	t.Parallel()
	lines := shellBlocks(t, "README.md", "When one machine is not enough")
	if len(lines) != 3 {
		t.Fatalf("there are %d commands: %q", len(lines), lines)
	}
	dir, port := t.TempDir(), freePort(t)
	at := func(i int, more ...string) *child {
		args := strings.Fields(strings.ReplaceAll(lines[i], "4222", port))
		if args[0] != "go" || args[1] != "run" {
			t.Fatalf("%s does not begin with go run", lines[i])
		}
		c := &child{t: t, cmd: exec.Command(built(t, args[2]), append(args[3:], more...)...)}
		c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = dir, c, c
		if err := c.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			c.kill()
			if t.Failed() {
				t.Logf("%s said:\n%s", lines[i], c.output())
			}
		})
		return c
	}
	server := at(0)
	server.says("Server is ready")
	// Other databases on this machine may have the default addresses of the page and the
	// gateway.
	program := at(1, "--http", "127.0.0.1:0", "--aimx", shortPath(t))
	program.says("the database serves")
	sink := at(2)
	sink.says("active: the sink stores the log")
	soon(t, "the sink has stored something", func() bool {
		out := aimdb(t, "sink", "list", "--nats-url", "nats://127.0.0.1:"+port, "--name", "hub", "--format", "ndjson").ok(t)
		for line := range strings.Lines(out) {
			var s process.State
			if json.Unmarshal([]byte(line), &s) == nil && s.Sink == "sqlite-copy" && s.State == "active" && s.Checkpoint > 10 {
				return true
			}
		}
		return false
	})
	program.interrupt()
	sink.interrupt()
	rows := func(file string) []string { // rows of several records and one time have no order
		return slices.Sorted(strings.Lines(aimdb(t, "history", "export", filepath.Join(dir, file)).ok(t)))
	}
	if have, want := rows("copy.db"), rows("aimdb-data/history.db"); len(want) == 0 || !slices.Equal(have, want) {
		t.Errorf("the copy has %d rows of %d", len(have), len(want))
	}
	aimdb(t, "verify", filepath.Join(dir, "copy.db"), "--nats-url", "nats://127.0.0.1:"+port, "--name", "hub").ok(t)
	aimdb(t, "verify", filepath.Join(dir, "aimdb-data"), "--nats-url", "nats://127.0.0.1:"+port, "--name", "hub").ok(t)
}

// built builds what go run would run, unless it is the command, which TestMain has built.
func built(t *testing.T, pkg string) string {
	t.Helper()
	if pkg == "./cmd/aimdb" {
		return os.Getenv(binaryVariable)
	}
	binary := filepath.Join(t.TempDir(), "program.exe")
	cmd := exec.Command("go", "build", "-o", binary, pkg)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // the port is free either way
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
