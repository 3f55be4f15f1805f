package main

import (
	"context"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/records"
)

// TestRecordListNamesSinksThatLost: the table is followed by one line for each
// sink that lost values, and JSON stays one record a line.
func TestRecordListNamesSinksThatLost(t *testing.T) {
	registry := records.NewRegistry(records.RegistryOptions{})
	if _, err := records.Register[int](registry, "attic.co2", records.Config{Kind: records.Latest, Remote: true}); err != nil {
		t.Fatal(err)
	}
	if err := registry.Build(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	socket := serveGateway(t, gateway.Config{Registry: registry, Sinks: func() []aimx.SinkInfo {
		return []aimx.SinkInfo{{Name: "sqlite", Lost: 42}, {Name: "memory", Refused: 3}, {Name: "copy", Lost: 1}}
	}})
	out := aimdb(t, "record", "list", "--connect", socket).ok(t)
	table, lines, found := strings.Cut(out, "sink ")
	if want := "sqlite lost 42 values; see aimdb history stats --losses\nsink copy lost 1 value; see aimdb history stats --losses\n"; !found || lines != want {
		t.Errorf("got %q", out)
	}
	if strings.Count(table, "\n") != 2 || !strings.Contains(table, "attic.co2") {
		t.Errorf("the table is %q", table)
	}
	if out := aimdb(t, "record", "list", "--connect", socket, "--format", "json").ok(t); strings.Count(out, "\n") != 1 || strings.Contains(out, "sink") {
		t.Errorf("got %q", out)
	}
}

// TestRecordListOfUpstream: a server without sink.list is no failure.
func TestRecordListOfUpstream(t *testing.T) {
	r := aimdb(t, "record", "list", "--connect", serveUpstream(t, upstreamRows, upstreamList))
	if out := r.ok(t); strings.Count(out, "\n") != 2 || !strings.Contains(out, "attic.co2") || r.stderr != "" {
		t.Errorf("got %q and %q", out, r.stderr)
	}
}

// serveGateway serves a gateway on the socket that it returns.
func serveGateway(t *testing.T, c gateway.Config) (socket string) {
	t.Helper()
	socket = shortPath(t)
	l, err := gateway.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- gateway.New(c).Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return socket
}
