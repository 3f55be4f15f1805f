package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// snippet returns the commands of the section "Use it from" of README.md that are those of
// the command line, or else of the file that they were written in first.
func snippet(t *testing.T) []string {
	t.Helper()
	isOurs := func(line string) bool { return strings.HasPrefix(line, "aimdb ") }
	lines := slices.DeleteFunc(shellBlocks(t, "README.md", "Use it from"), func(line string) bool { return !isOurs(line) || strings.HasPrefix(line, "aimdb mcp") })
	if len(lines) > 0 {
		return lines
	}
	text, err := os.ReadFile("testdata/use-it-from-cli.sh")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, " #")
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

// TestUseItFromTheCommandLine runs the snippet in a shell beside the hub of the demo.
func TestUseItFromTheCommandLine(t *testing.T) {
	dir := socketDir(t)
	hub := &child{t: t, cmd: exec.Command(os.Getenv(binaryVariable), "demo", "--pace", "0", "--steps", "60", "--http", "off", "--nats", "off",
		"--aimx", filepath.Join(dir, "hub.sock"), "--data-dir", t.TempDir())}
	hub.cmd.Stdout, hub.cmd.Stderr = hub, hub
	if err := hub.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hub.kill)
	soon(t, "the hub has forecasts", func() bool {
		return strings.Count(aimdb(t, "history", "query", filepath.Join(dir, "hub.sock"), "accuracy::*", "--latest", "3", "--format", "ndjson").stdout, "\n") >= 6
	})
	lines := snippet(t)
	if len(lines) < 5 {
		t.Fatalf("there are only the commands %q", lines)
	}
	for _, line := range lines {
		if strings.Contains(line, "dot -T") {
			if _, err := exec.LookPath("dot"); err != nil {
				t.Log("Graphviz is not installed: ", line)
				continue
			}
		}
		out := shell(t, "bash", "set -o pipefail; "+strings.ReplaceAll(line, "> graph.svg", ""))
		if strings.TrimSpace(out) == "" && !strings.Contains(line, "--dry-run") { // which says it on stderr
			t.Errorf("%s prints nothing", line)
		}
	}
	hub.interrupt()
}
