package archtest_test

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// table is the import table of docs/DESIGN.md: what each package may import of
// ours. A package that is not named has the row of the nearest one above it.
func table() map[string][]string {
	return map[string][]string{
		".": {
			"key", "loss", "history", "records", "bus", "bus/natsd", "bus/cluster", "sinks", "sinks/pump", "sinks/retention",
			"access", "backup", "ingest", "aimx", "aimx/gateway", "aimx/natsservice", "internal/counted", "internal/disk", "internal/filelock", "internal/follow", "internal/histogram", "internal/tlsfile",
		},
		"key":                 {},
		"loss":                {},
		"access":              {"key"},
		"backup":              {"history", "internal/filelock"},
		"ingest":              {"access", "records", "internal/jsonrule"},
		"history":             {"key", "loss", "internal/jsonrule"},
		"history/historytest": {"key", "loss", "history", "sinks"},
		"records":             {"key", "loss", "internal/backoff", "internal/jsonrule", "internal/jsonshape"},
		"bus":                 {"key", "loss", "history", "records", "internal/backoff", "internal/counted", "internal/histogram", "internal/outage"},
		// The embedded server knows of streams and subjects, not of what is in them.
		"bus/natsd":    {"internal/backoff", "internal/filelock", "internal/outage", "internal/tlsfile"},
		"bus/cluster":  {},
		"bus/mirror":   {"key", "history", "bus", "records", "internal/backoff", "internal/outage"},
		"bus/hub":      {"bus", "internal/counted"},
		"sinks":        {"key", "loss", "history"},
		"sinks/memory": {"key", "loss", "history", "sinks"},
		"sinks/pump":   {"key", "loss", "history", "sinks", "bus", "internal/backoff", "internal/histogram", "internal/outage"},
		// The suite runs a sink behind a log.
		"sinks/sinktest":    {"key", "loss", "history", "sinks", "sinks/pump", "bus"},
		"sinks/sqlite":      {"key", "loss", "history", "sinks", "internal/counted", "internal/disk", "internal/filelock", "internal/jsonrule"},
		"sinks/ndjson":      {"key", "loss", "history", "sinks", "internal/filelock", "internal/jsonrule"},
		"sinks/postgres":    {"key", "loss", "history", "sinks", "internal/counted", "internal/jsonrule"},
		"sinks/parquet":     {"key", "loss", "history", "sinks", "sinks/ndjson", "internal/filelock", "internal/jsonrule"},
		"sinks/retention":   {"key", "history"},
		"sinks/process":     {"history", "bus", "sinks", "sinks/pump", "sinks/retention", "internal/backoff", "internal/outage"},
		"aimx":              {"key", "loss", "history", "aimx/internal/wire", "internal/backoff"},
		"aimx/internal":     {"key", "loss", "history"},
		"aimx/internal/rpc": {"key", "aimx", "aimx/internal/wire"},
		"aimx/natsservice":  {"key", "access", "ingest", "aimx", "aimx/gateway", "aimx/internal/rpc", "aimx/internal/wire"},
		"aimx/natsconn":     {"key", "aimx", "aimx/internal/rpc", "aimx/internal/wire"},
		"aimx/mcp":          {"key", "loss", "history", "aimx", "internal/timetext"},
		"aimx/gateway":      {"key", "loss", "history", "records", "access", "ingest", "aimx", "aimx/internal/wire", "internal/backoff"},
		"schema":            {"records"},
		"serve":             {".", "bus/natsd", "key", "history", "schema", "httpapi", "console", "metrics", "metrics/mqttmetrics", "mqtt", "tracing", "sinks/sqlite", "sinks/postgres", "internal/timetext", "internal/tlsfile"},
		"httpapi":           {".", "key", "loss", "history", "records", "access", "ingest", "aimx", "aimx/gateway", "internal/timetext", "internal/jsonrule"},
		"console":           {"."},
		"examples/minimal":  {".", "sinks/sqlite"},
		"examples/weather":  {".", "console", "httpapi", "metrics", "sinks/sqlite"},
		"examples/edge":     {".", "sinks/sqlite"},
		"cmd/aimdb": {".", "key", "loss", "access", "backup", "history", "records", "bus", "bus/cluster", "bus/natsd", "bus/hub", "bus/mirror", "sinks", "sinks/pump",
			"sinks/sqlite", "sinks/ndjson", "sinks/postgres", "sinks/parquet", "sinks/retention", "sinks/process", "aimx", "aimx/gateway", "aimx/mcp", "aimx/natsconn", "examples/weather", "serve", "internal/backoff", "internal/buildtext", "internal/counted", "internal/doctor", "internal/follow", "internal/jsonrule", "internal/sdnotify", "internal/timetext", "internal/tlsfile"},
		"mqtt":                {".", "access", "ingest", "key", "records"},
		"metrics":             {".", "access", "ingest", "key", "loss", "records"},
		"tracing":             {"."},
		"metrics/mqttmetrics": {"metrics", "mqtt"},
		"scripts":             {"history", "sinks", "sinks/sqlite"},
		"internal":            {},
		"internal/doctor":     {".", "aimx", "backup", "bus/natsd", "history", "serve", "sinks/sqlite", "internal/disk"},
		"internal/follow":     {"key", "loss", "history", "bus"},
	}
}

// anything holds the packages that may import all others.
func anything() []string { return []string{"integration"} }

// row finds the row that holds for a package and the package it stands for.
func row(pkg string) (owner string, may []string, ok bool) {
	rows := table()
	for p := pkg; ; p = path.Dir(p) {
		if may, ok := rows[p]; ok && (p != "." || pkg == ".") {
			return p, may, true
		}
		if p == "." {
			return "", nil, false
		}
	}
}

// rowOf returns the package whose row holds for a package.
func rowOf(pkg string) string {
	owner, _, _ := row(pkg)
	return owner
}

func within(pkg, above string) bool {
	return pkg == above || strings.HasPrefix(pkg, above+"/")
}

func TestImportTable(t *testing.T) {
	for _, p := range packages(t) {
		pkg := p.path()
		if slices.ContainsFunc(anything(), func(a string) bool { return within(pkg, a) }) {
			continue
		}
		owner, may, ok := row(pkg)
		if !ok {
			t.Errorf("%s has no row in the import table: add one here and in docs/DESIGN.md", pkg)
			continue
		}
		for _, imported := range p.Imports {
			to := inModule(imported)
			if to == "" || slices.Contains(may, to) || owner != "." && rowOf(to) == owner {
				continue
			}
			t.Errorf("%s imports %s, which the import table does not allow", pkg, to)
		}
	}
}

func TestImportTableRefuses(t *testing.T) {
	if _, may, ok := row("key"); !ok || len(may) != 0 {
		t.Errorf("key may import %v, want nothing", may)
	}
	for pkg, refused := range map[string]string{
		"records": "bus", "sinks": "bus", "sinks/sqlite": "bus", "aimx": "bus", ".": "sinks/sqlite", "internal/outage": "records",
	} {
		if _, may, _ := row(pkg); slices.Contains(may, refused) {
			t.Errorf("%s may import %s", pkg, refused)
		}
	}
	if rowOf("sinks/pump") == "sinks" || rowOf("aimx/internal/wire") != "aimx/internal" {
		t.Error("a package with a row of its own has the row of the one above it, or the other way round")
	}
	if _, _, ok := row("misc"); ok {
		t.Error("a package that nobody planned has a row")
	}
}
