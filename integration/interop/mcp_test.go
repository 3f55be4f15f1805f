//go:build interop

package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestInspector: what the inspector of the Model Context Protocol, which is not ours, sees of
// aimdb mcp, over standard input and over HTTP.
func TestInspector(t *testing.T) {
	bin := filepath.Join("inspector", "node_modules", ".bin")
	inspector := tool(t, filepath.Join(bin, "mcp-inspector"))
	// It needs a newer Node than many machines have.
	t.Setenv("PATH", filepath.Join(os.Getenv("INTEROP_BIN"), bin)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	t.Log("Node is", run(t, "node", "--version"))
	dir, err := os.MkdirTemp("", "i") // a socket has a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	binary, socket := buildCommand(t), filepath.Join(dir, "s")
	stopped := make(chan string, 1)
	hub := start(t, on("Stopped after", stopped), binary, "demo", "--data-dir", filepath.Join(dir, "data"), "--http", "off", "--nats", "off", "--aimx", socket, "--pace", "0", "--steps", "100")
	t.Cleanup(func() { hub.interrupt(t) })
	within(t, hub, stopped)
	serves := make(chan string, 1)
	web := start(t, on("assistants are served at ", serves), binary, "mcp", "--connect", socket, "--listen", "127.0.0.1:0")
	t.Cleanup(func() { web.interrupt(t) })
	for _, server := range [][]string{{binary, "mcp", "--connect", socket}, {within(t, web, serves), "--transport", "http"}} {
		ask := func(args ...string) []string { return append(append([]string{"--cli"}, server...), args...) }
		for _, c := range []struct {
			args []string
			says string
		}{
			{ask("--method", "tools/list"), `"explain_gap"`},
			{ask("--method", "tools/call", "--tool-name", "query_range", "--tool-arg", "record_name=accuracy::*", "--tool-arg", "limit=3"), `"absolute_error"`},
			{ask("--method", "tools/call", "--tool-name", "query_buckets", "--tool-arg", "record_name=accuracy::seattle", "--tool-arg", "width=1d", "--tool-arg", "path=absolute_error"), `"count"`},
			{ask("--method", "tools/call", "--tool-name", "explain_gap", "--tool-arg", "record_name=accuracy::seattle", "--tool-arg", "from=1h"), `"certainty"`},
			{ask("--method", "resources/read", "--uri", "aimdb://"+socket+"/records"), "accuracy::seattle"},
		} {
			if out := run(t, inspector, c.args...); !strings.Contains(out, c.says) {
				t.Errorf("%q printed no %s:\n%s", c.args, c.says, out)
			}
		}
		if out := refused(t, inspector, ask("--method", "tools/call", "--tool-name", "get_record", "--tool-arg", "record_name=nobody")...); !strings.Contains(out, "list_records") {
			t.Errorf("an unknown record printed %s", out)
		}
	}
}

// on returns a function that sends what follows a text in a line, once.
func on(text string, found chan<- string) func(string) {
	return func(line string) {
		if _, after, ok := strings.Cut(line, text); ok {
			select {
			case found <- strings.TrimSpace(after):
			default:
			}
		}
	}
}

// within waits for what a process says.
func within(t *testing.T, p *process, found <-chan string) string {
	t.Helper()
	select {
	case text := <-found:
		return text
	case <-p.ended:
		t.Fatalf("%s ended: %v", p.cmd.Path, p.err)
	case <-time.After(time.Minute):
		t.Fatalf("%s did not say what it had to", p.cmd.Path)
	}
	return ""
}
