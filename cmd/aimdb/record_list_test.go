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
	out := aimdb(t, "record", "list", "--rate", "0s", "--connect", socket).ok(t)
	table, lines, found := strings.Cut(out, "sink ")
	if want := "sqlite lost 42 values; see aimdb history stats --losses\nsink copy lost 1 value; see aimdb history stats --losses\n"; !found || lines != want {
		t.Errorf("got %q", out)
	}
	if strings.Count(table, "\n") != 2 || !strings.Contains(table, "attic.co2") {
		t.Errorf("the table is %q", table)
	}
	if out := aimdb(t, "record", "list", "--connect", socket, "--format", "ndjson").ok(t); strings.Count(out, "\n") != 1 || strings.Contains(out, "sink") {
		t.Errorf("got %q", out)
	}
}

// TestRecordListOfUpstream: a server without sink.list is no failure.
func TestRecordListOfUpstream(t *testing.T) {
	r := aimdb(t, "record", "list", "--rate", "0s", "--connect", serveUpstream(t, upstreamRows, upstreamList))
	if out := r.ok(t); strings.Count(out, "\n") != 2 || !strings.Contains(out, "attic.co2") || r.stderr != "" {
		t.Errorf("got %q and %q", out, r.stderr)
	}
}

// TestRecordListExplainsLosses: a line under the table says what the numbers are.
func TestRecordListExplainsLosses(t *testing.T) {
	row := func(more string) string {
		return `[{"record_id":0,"record_key":"a","name":"a","type_id":"json","origin":"passive","buffer_type":"spmc_ring","producer_count":0,"consumer_count":0,"writable":false,"outbound_connector_count":0` + more + `}]`
	}
	for more, want := range map[string][]string{
		``:                                      {"spmc_ring - - 0 - - no 0 -"},
		`,"dropped_count":3`:                    {"spmc_ring - - 0 - - no 3 -", "dropped: a reader was too slow"},
		`,"persisted":true,"lost_count":2`:      {"spmc_ring - - 0 yes - no 0 2", "lost: these values were discarded"},
		`,"persisted":true,"produced_count":12`: {"spmc_ring - - 12 yes - no 0 0"},
	} {
		out := aimdb(t, "record", "list", "--rate", "0s", "--connect", serveUpstream(t, upstreamRows, row(more))).ok(t)
		lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")[1:]
		if got := strings.Join(strings.Fields(lines[0])[2:], " "); got != want[0] || len(lines) != len(want) || !strings.HasPrefix(lines[len(lines)-1], want[len(want)-1]) && len(want) > 1 {
			t.Errorf("%s:\n%s", more, out)
		}
	}
}

// TestRecordListTypes: the type is the schema, else that of upstream or of Go.
func TestRecordListTypes(t *testing.T) {
	list := `[{"record_id":0,"record_key":"a","name":"server::Temperature","type_id":"TypeId(7)","origin":"passive","buffer_type":"single_latest","producer_count":0,"consumer_count":0,"writable":false,"outbound_connector_count":0},` +
		`{"record_id":1,"record_key":"b","name":"b","type_id":"main.Wind","origin":"passive","buffer_type":"single_latest","producer_count":0,"consumer_count":0,"writable":false,"outbound_connector_count":0},` +
		`{"record_id":2,"record_key":"c","name":"c","type_id":"main.Rain","schema_type":"rain","origin":"passive","buffer_type":"single_latest","producer_count":0,"consumer_count":0,"writable":false,"outbound_connector_count":0}]`
	out := aimdb(t, "record", "list", "--rate", "0s", "--connect", serveUpstream(t, upstreamRows, list)).ok(t)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i, want := range []string{"TYPE", "server::Temperature", "main.Wind", "rain"} {
		if got := strings.Fields(lines[i]); got[1] != want {
			t.Errorf("line %d has the type %q, want %q", i, got[1], want)
		}
	}
}

// TestRecordSetNamesTheMember: the refusal of a value names what is missing.
func TestRecordSetNamesTheMember(t *testing.T) {
	registry := records.NewRegistry(records.RegistryOptions{})
	type settings struct {
		Level   string  `json:"log_level"`
		Celsius float64 `json:"celsius"`
	}
	if _, err := records.Register[settings](registry, "app.settings", records.Config{Kind: records.Latest, Writable: true}); err != nil {
		t.Fatal(err)
	}
	if err := registry.Build(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	socket := serveGateway(t, gateway.Config{Registry: registry})
	aimdb(t, "record", "set", "app.settings", `{"log_level":"x"}`, "--connect", socket).fails(t, exitFailed, "app.settings", "member celsius is missing")
	if out := aimdb(t, "record", "set", "app.settings", `{"log_level":"x","celsius":22}`, "--format", "json", "--connect", socket).ok(t); out != `{"log_level":"x","celsius":22.0}`+"\n" {
		t.Errorf("got %q", out)
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
