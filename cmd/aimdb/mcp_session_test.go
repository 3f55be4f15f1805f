package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestAssistantDrains: a get between two drains takes nothing away, and what is written
// between them comes once.
func TestAssistantDrains(t *testing.T) {
	o := openObservatory(t)
	a := assist(t, "--connect", o.socket)
	drain := func(more toolArguments) string {
		in := toolArguments{"record_name": "counter"}
		for k, v := range more {
			in[k] = v
		}
		return a.call("drain_record", in, nil)
	}
	if text := drain(nil); !strings.Contains(text, `"fresh":true`) || !strings.Contains(text, `"count":0`) {
		t.Errorf("the first drain has %s", text)
	}
	for i := range 5 {
		o.counter.Produce(int64(i))
	}
	if text := a.call("get_record", toolArguments{"record_name": "counter"}, nil); !strings.Contains(text, `"value":4`) {
		t.Errorf("get has %s", text)
	}
	if text := drain(toolArguments{"limit": 2}); !strings.Contains(text, `"values":[{"value":0},{"value":1}]`) {
		t.Errorf("drain has %s", text)
	}
	if text := drain(nil); !strings.Contains(text, `"values":[{"value":2},{"value":3},{"value":4}],"count":3`) {
		t.Errorf("drain has %s", text)
	}
}

// TestAssistantSets: only what --allow-set names can be set, and counters only with '#'.
func TestAssistantSets(t *testing.T) {
	o := openObservatory(t)
	a := assist(t, "--connect", o.socket, "--allow-set", "app.*")
	if h := a.tools["set_record"].Annotations; h.ReadOnlyHint || !*h.DestructiveHint || a.tools["reset_buffer_metrics"] != nil {
		t.Errorf("the annotations are %+v, and a reset is there: %v", h, a.tools["reset_buffer_metrics"] != nil)
	}
	value := json.RawMessage(`{"level":"debug","id":9007199254740993}`)
	if text := a.call("set_record", toolArguments{"record_name": "app.settings", "value": value}, nil); !strings.Contains(text, "9007199254740993") {
		t.Errorf("set has %s", text)
	}
	if text := a.call("get_record", toolArguments{"record_name": "app.settings"}, nil); !strings.Contains(text, `"level":"debug"`) {
		t.Errorf("get has %s", text)
	}
	a.fails("set_record", toolArguments{"record_name": "exact", "value": 1}, "--allow-set")
	a.fails("set_record", toolArguments{"record_name": "app.settings"}, "value")
	all := assist(t, "--connect", o.socket, "--allow-set", "#")
	all.call("reset_buffer_metrics", nil, nil)
	all.call("reset_stage_profiling", nil, nil)
	all.fails("set_record", toolArguments{"record_name": "temp::a", "value": nil}, "denied")
}

// TestAssistantWhoseInputEnds: what was asked before the input ends is answered, and then the
// command ends.
func TestAssistantWhoseInputEnds(t *testing.T) {
	o := openObservatory(t)
	asked := []string{
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"list_records","arguments":{}}}`,
		`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"query_range","arguments":{"record_name":"temp::a","limit":2}}}`,
	}
	for name, end := range map[string]string{"line": "\n", "no line": ""} {
		c := exec.Command(os.Getenv(binaryVariable), "mcp", "--connect", o.socket)
		c.Stdin = strings.NewReader(strings.Join(asked, "\n") + end)
		out, err := c.Output()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range []string{`"id":1,`, `"id":2,`, `"id":3,`, "temp::a"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: there is no %s in %s", name, want, out)
			}
		}
		if strings.Contains(string(out), `"error"`) || strings.Contains(string(out), `"isError":true`) {
			t.Errorf("%s: an answer is an error: %s", name, out)
		}
	}
}

// TestAssistantAfterRestart: while the database is away, tools say so; when it is there
// again, they work.
func TestAssistantAfterRestart(t *testing.T) {
	dir, socket := t.TempDir(), shortPath(t)
	start := func() *child {
		c := &child{t: t, cmd: exec.Command(os.Getenv(binaryVariable), "demo", "--data-dir", dir, "--aimx", socket, "--http", "off", "--nats", "off", "--pace", "0", "--steps", "50")}
		c.cmd.Stdout, c.cmd.Stderr = c, c
		if err := c.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.kill)
		c.says("Stopped after")
		return c
	}
	hub := start()
	a := assist(t, "--connect", socket)
	query := toolArguments{"record_name": "accuracy::seattle", "limit": 1000}
	before := ""
	soon(t, "the history has some rows", func() bool { // the steps are over before all is stored
		before = a.call("query_range", query, nil)
		return strings.Count(before, `"record"`) >= 10
	})
	hub.kill()
	a.fails("query_range", query, "start the database")
	start()
	after := a.call("query_range", query, nil)
	if n := strings.Count(before, `"record"`); strings.Count(after, `"record"`) < n {
		t.Errorf("before the kill there were %d rows, and after the restart %d", n, strings.Count(after, `"record"`))
	}
	// The validations have the times of the data, which have nothing to do with the hub.
	if text := a.call("explain_gap", toolArguments{"record_name": "accuracy::seattle", "from": "1h"}, nil); !strings.Contains(text, "times of their own") {
		t.Errorf("the reason of the gap is %s", text)
	}
}

// TestAssistantConfiguration runs the configuration that docs/USE.md gives to assistants.
func TestAssistantConfiguration(t *testing.T) {
	text := blocksOf(t, "docs/USE.md", "An assistant", "json")[0].text
	var c struct {
		Servers map[string]struct {
			Command string
			Args    []string
		} `json:"mcpServers"`
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil || c.Servers["aimdb"].Command != "aimdb" || c.Servers["aimdb"].Args[0] != "mcp" {
		t.Fatalf("%+v, %v", c, err)
	}
	o := openObservatory(t)
	args := c.Servers["aimdb"].Args
	args[len(args)-1] = strings.Replace(args[len(args)-1], defaultEndpoint, o.socket, 1)
	assist(t, args[1:]...).call("list_records", nil, nil)
}

// TestAssistantsOverHTTP: several clients at a time, with a token where one is asked for.
func TestAssistantsOverHTTP(t *testing.T) {
	o := openObservatory(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("letmein\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := serveAssistants(t, "--connect", o.socket)
	guarded := serveAssistants(t, "--connect", o.socket, "--listen-token-file", file)
	var all sync.WaitGroup
	for _, a := range []*assistant{
		connectAssistant(t, &sdk.StreamableClientTransport{Endpoint: open}),
		connectAssistant(t, &sdk.StreamableClientTransport{Endpoint: open}),
		connectAssistant(t, &sdk.StreamableClientTransport{Endpoint: guarded, HTTPClient: withHeaders("Authorization", "Bearer letmein")}),
	} {
		all.Go(func() {
			for range 20 {
				if text, failed := a.try("query_latest", toolArguments{"record_name": "temp::a"}); failed || !strings.Contains(text, `"n":239`) {
					t.Errorf("failed %v: %s", failed, text)
				}
			}
		})
	}
	all.Wait()
	for _, c := range []struct {
		url, header, value string
		status             int
	}{
		{open, "X-Nothing", "", 200},
		{open, "Host", "evil.example", 403},
		{open, "Origin", "http://evil.example", 403},
		{open, "Origin", "http://127.0.0.1:1", 403},
		{guarded, "Authorization", "Bearer letmein", 200},
		{guarded, "Authorization", "Bearer wrong", 401},
		{guarded, "Authorization", "letmein", 401},
		{guarded, "X-Nothing", "", 401},
	} {
		if status, text := post(t, c.url, c.header, c.value); status != c.status || strings.Contains(text, "letmein") {
			t.Errorf("%s: %s: the status is %d, want %d: %s", c.header, c.value, status, c.status, text)
		}
	}
}
