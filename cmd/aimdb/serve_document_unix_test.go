//go:build unix

package main

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestServeDocument runs the commands of docs/SERVE.md. Its servers listen on a socket only.
func TestServeDocument(t *testing.T) {
	t.Parallel()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	var server *demo
	servers, others := 0, 0
	for _, line := range shellLines(t, "docs/SERVE.md", "") {
		line = strings.ReplaceAll(line, "examples/serve", filepath.Join(top, "examples", "serve"))
		if args, serves := strings.CutPrefix(line, "aimdb serve"); serves {
			servers++
			server = startServe(t, shortPath(t), append(strings.Fields(args), "--data", t.TempDir())...)
			continue
		}
		others++
		reloads := strings.Contains(line, "pgrep")
		if reloads {
			line = strings.ReplaceAll(line, `$(pgrep -fx "aimdb serve.*")`, strconv.Itoa(server.cmd.Process.Pid))
		}
		if out := shell(t, "bash", line); out == "" && !reloads && !strings.Contains(line, " > ") {
			t.Errorf("%s prints nothing", line)
		}
		if reloads {
			soon(t, "it reloads", func() bool { return strings.Contains(serveSaid(t, server.socket), "the settings were reloaded") })
		}
	}
	if servers < 3 || others < 6 {
		t.Errorf("there are %d servers and %d other commands", servers, others)
	}
}
