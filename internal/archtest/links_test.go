package archtest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// linkRule says what a package must not link, however many imports are between.
type linkRule struct {
	pkg string
	// never are import paths, each with all that lies below it.
	never []string
	// only, if not nil, are the packages of ours that it may link.
	only []string
	// standard says that it links nobody else's package but the standard library.
	standard bool
	// pending says why the rule does not hold yet. A rule that holds must not
	// have it.
	pending string
}

const (
	natsIO     = "github.com/nats-io"
	natsServer = "github.com/nats-io/nats-server"
	modernc    = "modernc.org"
	pgx        = "github.com/jackc"
	parquetGo  = "github.com/parquet-go"
	mcpSDK     = "github.com/modelcontextprotocol"
	mochi      = "github.com/mochi-mqtt"
	goccyYAML  = "github.com/goccy/go-yaml"
	jsonSchema = "github.com/santhosh-tekuri/jsonschema"
	prometheus = "github.com/prometheus"
	otel       = "go.opentelemetry.io"
)

func linkRules() []linkRule {
	return []linkRule{
		{pkg: "key", only: []string{}, standard: true},
		{pkg: "loss", only: []string{}, standard: true},
		{pkg: "history", only: []string{"key", "loss", "internal/jsonrule"}, standard: true},
		{pkg: "records", only: []string{"key", "loss", "internal/backoff", "internal/jsonrule", "internal/jsonshape"}, standard: true},
		{pkg: "sinks", only: []string{"key", "loss", "history", "internal/jsonrule"}, standard: true},
		{pkg: "sinks/memory", only: []string{"key", "loss", "history", "internal/jsonrule", "sinks"}, standard: true},
		{pkg: "sinks/retention", only: []string{"key", "loss", "history", "internal/jsonrule"}, standard: true},
		{pkg: "sinks/postgres", never: []string{natsIO, modernc, parquetGo}, only: []string{"key", "loss", "history", "internal/counted", "internal/jsonrule", "sinks"}},
		{pkg: "sinks/sqlite", never: []string{natsIO, pgx, parquetGo}, only: []string{"key", "loss", "history", "internal/counted", "internal/disk", "internal/jsonrule", "sinks", "internal/filelock"}},
		{pkg: "sinks/ndjson", never: []string{natsIO, modernc, pgx, parquetGo}, only: []string{"key", "loss", "history", "internal/jsonrule", "sinks", "internal/filelock"}},
		{pkg: "sinks/parquet", never: []string{natsIO, modernc, pgx}, only: []string{"key", "loss", "history", "internal/jsonrule", "sinks", "sinks/ndjson", "internal/filelock"}},
		{pkg: "sinks/pump", never: []string{natsServer, pgx, parquetGo}},
		{pkg: "bus", never: []string{natsServer, pgx, parquetGo}},
		{pkg: "aimx", never: []string{natsIO, modernc, pgx, parquetGo}},
		{pkg: "aimx/gateway", never: []string{natsIO, pgx, parquetGo}},
		{pkg: "aimx/natsservice", never: []string{natsServer, modernc, pgx, parquetGo}},
		{pkg: "aimx/natsconn", never: []string{natsServer, modernc, pgx, parquetGo, module + "/records", module + "/bus"}},
		{pkg: "bus/hub", never: []string{natsServer, pgx, parquetGo}},
		{pkg: "aimx", only: []string{"key", "loss", "history", "internal/backoff", "internal/jsonrule", "aimx/internal/wire"}},
		{pkg: ".", never: []string{module + "/sinks/sqlite", module + "/sinks/memory", module + "/sinks/ndjson", module + "/sinks/postgres", module + "/sinks/parquet", "modernc.org/sqlite", pgx, parquetGo, mcpSDK, mochi, goccyYAML, jsonSchema, prometheus, otel}},
		{pkg: "mqtt", never: []string{module + "/sinks/sqlite", "modernc.org/sqlite", pgx, parquetGo, mcpSDK, "gopkg.in", prometheus}},
		{pkg: "metrics", never: []string{module + "/sinks/sqlite", "modernc.org/sqlite", pgx, parquetGo, mcpSDK, mochi, goccyYAML, otel}},
		{pkg: "tracing", never: []string{module + "/sinks/sqlite", "modernc.org/sqlite", pgx, parquetGo, mcpSDK, mochi, goccyYAML, prometheus, otel + "/otel/sdk", otel + "/proto", "google.golang.org"}},
		{pkg: "aimx/gateway", never: []string{mcpSDK}},
		{pkg: ".", never: []string{module + "/httpapi"}},
		{pkg: "schema", never: []string{natsIO, modernc, pgx, parquetGo, mcpSDK, goccyYAML}, only: []string{"key", "loss", "records", "internal/backoff", "internal/jsonrule", "internal/jsonshape"}},
		{pkg: "httpapi", never: []string{modernc, pgx, parquetGo, mcpSDK}},
		{pkg: "aimx/mcp", never: []string{natsIO, modernc, pgx, parquetGo}, only: []string{"key", "loss", "history", "internal/backoff", "internal/jsonrule", "internal/timetext", "aimx/internal/wire", "aimx"}},
	}
}

// broken returns a chain of imports for each package that the rule forbids.
func (r linkRule) broken(g graph) (chains [][]string) {
	for to, chain := range g.linked(importPath(r.pkg)) {
		if r.forbids(g, to) {
			chains = append(chains, chain)
		}
	}
	slices.SortFunc(chains, slices.Compare)
	return chains
}

func (r linkRule) forbids(g graph, to string) bool {
	if slices.ContainsFunc(r.never, func(path string) bool { return within(to, path) }) {
		return true
	}
	ours := inModule(to)
	if ours == "" {
		return r.standard && !g[to].Standard
	}
	return r.only != nil && ours != r.pkg && !slices.Contains(r.only, ours)
}

// linked returns the packages that one links, each with a shortest chain of
// imports to it. It does not look into the standard library.
func (g graph) linked(from string) map[string][]string {
	chains := map[string][]string{from: {from}}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if g[at].Standard {
			continue
		}
		for _, to := range g[at].Imports {
			if chains[to] == nil {
				chains[to] = append(slices.Clone(chains[at]), to)
				queue = append(queue, to)
			}
		}
	}
	delete(chains, from)
	return chains
}

func TestLinks(t *testing.T) {
	g := allPackages(t)
	for _, r := range linkRules() {
		if _, ok := g[importPath(r.pkg)]; !ok {
			t.Errorf("there is a rule for %s, which does not exist", r.pkg)
			continue
		}
		broken := r.broken(g)
		if r.pending != "" {
			if len(broken) == 0 {
				t.Errorf("a rule for %s holds now: delete its pending %q", r.pkg, r.pending)
			}
			continue
		}
		for _, chain := range broken {
			t.Errorf("%s links %s: %s", r.pkg, chain[len(chain)-1], strings.Join(chain, " -> "))
		}
	}
}

// TestOnlyServeLinksTheSDK: the SDK of OpenTelemetry is in programs that run package serve.
// gRPC is in none.
func TestOnlyServeLinksTheSDK(t *testing.T) {
	g := allPackages(t)
	for _, p := range packages(t) {
		pkg := p.path()
		linked := g.linked(importPath(pkg))
		program := pkg == "serve" || linked[importPath("serve")] != nil
		for to, chain := range linked {
			if !program && (within(to, otel+"/otel/sdk") || within(to, otel+"/otel/exporters")) || within(to, "google.golang.org/grpc") {
				t.Errorf("%s links %s: %s", pkg, to, strings.Join(chain, " -> "))
			}
		}
	}
}

// TestLinksFindAPlantedImport gives a package that another one imports an import
// that the rules forbid to that other one.
func TestLinksFindAPlantedImport(t *testing.T) {
	all := allPackages(t)
	for _, c := range []struct{ at, imports, breaks string }{
		{"history", module + "/bus", "sinks/sqlite"},
		{"sinks", natsIO + "/nats.go", "sinks/sqlite"},
		{"key", natsIO + "/nats.go/jetstream", "aimx"},
		{"history", "modernc.org/sqlite", "aimx"},
		{"sinks/retention", module + "/sinks/memory", "."},
		{"records", module + "/sinks/sqlite", "."},
		{"records", module + "/httpapi", "."},
		{"aimx", "modernc.org/sqlite", "httpapi"},
		{"key", "github.com/gofrs/flock", "history"},
		{"loss", module + "/records", "sinks"},
		{"records", natsServer + "/v2/server", "bus"},
		{"history", pgx + "/pgx/v5", "aimx/gateway"},
		{"records", natsIO + "/nats.go", "aimx/gateway"},
		{"aimx/gateway", natsServer + "/v2/server", "aimx/natsservice"},
		{"aimx/internal/wire", module + "/records", "aimx/natsconn"},
		{"records", pgx + "/pgx/v5/pgxpool", "."},
		{"history", module + "/sinks/parquet", "."},
		{"sinks", parquetGo + "/parquet-go", "sinks/ndjson"},
		{"sinks/ndjson", "modernc.org/sqlite", "sinks/parquet"},
		{"aimx", mcpSDK + "/go-sdk/mcp", "."},
		{"aimx", mcpSDK + "/go-sdk/mcp", "aimx/gateway"},
		{"aimx/internal/wire", natsIO + "/nats.go", "aimx/mcp"},
		{"records", jsonSchema + "/v6", "."},
		{"records", goccyYAML, "schema"},
	} {
		g := maps.Clone(all)
		if !broken(g, c.breaks) {
			planted := g[importPath(c.at)]
			planted.Imports = append(slices.Clone(planted.Imports), c.imports)
			g[importPath(c.at)] = planted
			if broken(g, c.breaks) {
				continue
			}
		}
		t.Errorf("%s imports %s: no rule for %s sees it, or one saw it before", c.at, c.imports, c.breaks)
	}
}

// broken reports whether a rule for a package that must hold does not.
func broken(g graph, pkg string) bool {
	return slices.ContainsFunc(linkRules(), func(r linkRule) bool {
		return r.pkg == pkg && r.pending == "" && len(r.broken(g)) > 0
	})
}

func TestLinkedFollowsChains(t *testing.T) {
	g := graph{
		"a": {Imports: []string{"b", "fmt"}}, "b": {Imports: []string{"c", "a"}}, "c": {},
		"fmt": {Imports: []string{"os"}, Standard: true}, "os": {Standard: true},
	}
	linked := g.linked("a")
	if got := slices.Sorted(maps.Keys(linked)); !slices.Equal(got, []string{"b", "c", "fmt"}) {
		t.Errorf("a links %v", got)
	}
	if want := []string{"a", "b", "c"}; !slices.Equal(linked["c"], want) {
		t.Errorf("the chain to c is %v, want %v", linked["c"], want)
	}
}
