//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTutorial runs all that docs/tutorial.md says to type, in one shell, in order. Servers
// run beside it; the web server has a free port, and there is no other listener but the socket.
func TestTutorial(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"bash", "curl", "awk"} {
		if _, err := exec.LookPath(program); err != nil {
			notInstalled(t, program)
		}
	}
	home, port, socket := t.TempDir(), freePort(t), shortPath(t)
	typed := blocksOf(t, "docs/tutorial.md", "", "sh")
	places := strings.NewReplacer(":8080", ":"+port, "/tmp/aimdb.sock", socket, "sleep 1;", "sleep 0.1;")
	var script strings.Builder
	script.WriteString("set -eu\nserver=\ntrap '[ -z \"$server\" ] || kill $server; wait' EXIT\n")
	for i, block := range typed {
		fmt.Fprintf(&script, "echo @@%d\n", i)
		for line := range strings.Lines(block.text) {
			switch line = strings.TrimSuffix(line, "\n"); {
			case line == "go install ./cmd/aimdb": // TestMain has built it
			case strings.HasPrefix(line, "aimdb serve"):
				fmt.Fprintf(&script, "[ -z \"$server\" ] || { kill -INT $server; wait $server || true; }\n%s > server.out 2>&1 & server=$!\n"+
					"for i in $(seq 600); do curl -sf http://127.0.0.1:%s/health > health && break; sleep 0.1; done\n", line, port)
			case strings.Contains(line, "$(pgrep -fx 'aimdb serve')"):
				fmt.Fprintf(&script, "%s; wait $server || true; server=\n", strings.ReplaceAll(line, "$(pgrep -fx 'aimdb serve')", "$server"))
			default:
				fmt.Fprintln(&script, places.Replace(line))
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script.String())
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "HOME="+home, "PATH="+filepath.Dir(os.Getenv(binaryVariable))+string(filepath.ListSeparator)+os.Getenv("PATH"),
		"AIMDB_HTTP=127.0.0.1:"+port, "AIMDB_NATS=off", "AIMDB_MQTT=off", "AIMDB_GATEWAYS="+socket, "AIMDB_CONNECT="+socket)
	out, err := cmd.CombinedOutput()
	if err != nil {
		server, _ := os.ReadFile(filepath.Join(home, "aimdb-tutorial", "server.out"))
		t.Fatalf("%v\n%s\nthe server said:\n%s", err, out, server)
	}
	said := strings.Split(string(out), "@@")[1:]
	if len(said) != len(typed) {
		t.Fatalf("%d blocks printed %d times:\n%s", len(typed), len(said), out)
	}
	for i, block := range typed {
		for command, want := range map[string]string{
			"records/room.kitchen\n":   `{"celsius":21.5}`,
			"kind=buckets":             ",10,0,0,", // ten values
			"machine.load&format=csv'": "machine.load",
			"aimdb verify":             "complete",
			`"warm"`:                   "/celsius",
			"record refused":           "room.kitchen",
			"history stats backup.db":  "machine.load",
		} {
			if strings.Contains(block.text, command) && !strings.Contains(said[i], want) {
				t.Errorf("%s\nprints %q, want %q in it", block.text, said[i], want)
			}
		}
	}
}
