package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os/exec"
	"strings"
	"testing"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
)

// TestGraph: the graph of a real database, in each form.
func TestGraph(t *testing.T) {
	socket := shortPath(t)
	serve(t, func(db *embedded.DB) error {
		in, err := embedded.Register[float64](db, "temp::rome", embedded.Ring(8), embedded.Remote(), embedded.Writable())
		if err != nil {
			return err
		}
		out, err := embedded.Register[float64](db, "feels.rome", embedded.Latest(), embedded.Remote())
		if err != nil {
			return err
		}
		if err := out.Tap(func(_ context.Context, _ float64) {}); err != nil {
			return err
		}
		return embedded.Map(in, out, func(v float64) float64 { return v - 1 })
	}, embedded.Gateway(socket))
	fields := func(args ...string) string {
		var lines []string
		for line := range strings.Lines(aimdb(t, append(args, "--connect", socket)...).ok(t)) {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
		return strings.Join(lines, "\n")
	}
	for command, want := range map[string]string{
		"nodes": "KEY ORIGIN BUFFER CAPACITY TAPS OUTBOUND\ntemp::rome passive spmc_ring 8 0 no\nfeels.rome transform single_latest - 1 no",
		"edges": "FROM TO TYPE\ntemp::rome feels.rome transform\nfeels.rome - tap 0",
		"order": "POSITION KEY\n1 temp::rome\n2 feels.rome",
	} {
		if got := fields("graph", command); got != want {
			t.Errorf("graph %s prints\n%s\nwant\n%s", command, got, want)
		}
	}
	var nodes []aimx.GraphNode
	for line := range strings.Lines(aimdb(t, "graph", "nodes", "--format", "ndjson", "--connect", socket).ok(t)) {
		var n aimx.GraphNode
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, n)
	}
	if len(nodes) != 2 || *nodes[0].Capacity != 8 || nodes[1].Origin.Inputs[0] != "temp::rome" {
		t.Errorf("the nodes are %+v", nodes)
	}
	dot := aimdb(t, "graph", "dot", "--name", "my graph", "--connect", socket).ok(t)
	for _, part := range []string{`digraph "my graph" {`, `"temp::rome" [label="temp::rome\n(passive)"`, `"temp::rome" -> "feels.rome" [`} {
		if !strings.Contains(dot, part) {
			t.Errorf("the graph has no %s:\n%s", part, dot)
		}
	}
	drawn(t, dot)
}

// TestGraphOfUpstream: origins and edges as upstream writes them, links included.
func TestGraphOfUpstream(t *testing.T) {
	socket := serveScript(t, func(conn net.Conn, frame string) {
		switch {
		case strings.Contains(frame, `"hello"`):
			replyTo(conn, frame, `"ok":{"version":"3.0","server":"aimdb","permissions":["read"],"writable_records":[]}`)
		case strings.Contains(frame, `"graph.nodes"`):
			replyTo(conn, frame, `"ok":[{"key":"a","origin":{"link":{"protocol":"mqtt","address":"mqtt://x"}},"buffer_type":"none","buffer_capacity":null,"tap_count":0,"has_outbound_link":true}]`)
		case strings.Contains(frame, `"graph.edges"`):
			replyTo(conn, frame, `"ok":[{"from":null,"to":"a","edge_type":{"link":{"protocol":"mqtt"}}},{"from":"a","to":null,"edge_type":{"link_out":{"protocol":"unknown"}}},{"from":"a","to":null,"edge_type":{"tap":{"index":3}}}]`)
		}
	})
	if out := aimdb(t, "graph", "nodes", "--connect", socket).ok(t); !strings.Contains(out, "link") || !strings.Contains(out, "yes") {
		t.Errorf("the nodes are %s", out)
	}
	out := aimdb(t, "graph", "edges", "--connect", socket).ok(t)
	for _, part := range []string{"link mqtt", "link_out unknown", "tap 3"} {
		if !strings.Contains(out, part) {
			t.Errorf("the edges have no %s: %s", part, out)
		}
	}
	drawn(t, aimdb(t, "graph", "dot", "--connect", socket).ok(t))
}

// TestDotEscapes: whatever a server sends as a name is one name in the graph.
func TestDotEscapes(t *testing.T) {
	names := []string{"a.b", "a::b", `quote"d`, `back\slash\`, `\N`, "&amp;", "new\nline", "edge", "a -> b; c", "ü 漢", "<b>", "nul\x00"}
	var nodes []aimx.GraphNode
	var edges []aimx.GraphEdge
	for i, name := range names {
		nodes = append(nodes, aimx.GraphNode{Key: name, Origin: aimx.Origin{Kind: "source"}})
		edges = append(edges, aimx.GraphEdge{From: &names[i], To: &names[(i+1)%len(names)], Type: aimx.EdgeType{Kind: "transform"}})
	}
	var out bytes.Buffer
	if err := writeDot(&out, `the "graph"`, nodes, edges); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		if id, rest, ok := strings.Cut(strings.TrimSpace(line), " [label="); ok {
			ids[id] = strings.HasSuffix(rest, "fillcolor=lightblue];")
		}
	}
	if len(ids) != len(names) { // one of them is in two lines
		t.Errorf("there are the nodes %v", ids)
	}
	plain := drawn(t, out.String())
	if plain != "" && strings.Count(plain, "\nnode ") != len(names) {
		t.Errorf("Graphviz has read other nodes than %d:\n%s", len(names), plain)
	}
}

// drawn draws a graph with Graphviz, if it is installed, and returns its plain text.
func drawn(t *testing.T, dot string) string {
	t.Helper()
	path, err := exec.LookPath("dot")
	if err != nil {
		t.Log("Graphviz is not installed; the graph is not drawn")
		return ""
	}
	for _, format := range []string{"-Tsvg", "-Tplain"} {
		cmd := exec.CommandContext(t.Context(), path, format)
		var out, said bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(dot), &out, &said
		if err := cmd.Run(); err != nil || said.Len() > 0 {
			t.Fatalf("dot %s: %v %s\n%s", format, err, said.String(), dot)
		}
		if format == "-Tplain" {
			return "\n" + out.String()
		}
	}
	return ""
}
