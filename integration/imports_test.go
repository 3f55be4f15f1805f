package integration_test

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
		".":       {"key", "loss", "history", "records", "bus", "bus/natsd", "sinks", "sinks/pump", "sinks/retention", "aimx/gateway"},
		"key":     {},
		"loss":    {},
		"history": {"key", "loss"},
		"records": {"key", "loss", "history"},
		"bus":     {"key", "loss", "history", "records"},
		// The embedded server knows of streams and subjects, not of what is in them.
		"bus/natsd":    {},
		"sinks":        {"key", "loss", "history"},
		"sinks/pump":   {"key", "loss", "history", "sinks", "bus"},
		"sinks/memory": {"key", "loss", "history", "sinks"},
		// The suite runs a sink behind a log.
		"sinks/sinktest":   {"key", "loss", "history", "sinks", "sinks/pump", "bus"},
		"sinks/sqlite":     {"key", "loss", "history", "sinks"},
		"sinks/retention":  {"key", "history"},
		"aimx":             {"key", "loss", "history"},
		"aimx/gateway":     {"key", "loss", "history", "records", "aimx", "aimx/internal/wire"},
		"examples/weather": {".", "sinks/sqlite"},
		"cmd/aimdb":        {".", "key", "loss", "history", "sinks/sqlite", "sinks/retention", "aimx", "examples/weather"},
		"scripts":          {"history", "sinks", "sinks/sqlite"},
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
			if to == "" || slices.Contains(may, to) || (owner != "." && within(to, owner)) {
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
	if _, may, _ := row("sinks/sqlite"); slices.Contains(may, "bus") {
		t.Error("sinks/sqlite may import bus")
	}
	if _, _, ok := row("misc"); ok {
		t.Error("a package that nobody planned has a row")
	}
}

// TestSQLiteLibc: modernc.org/sqlite is translated against one version of its
// libc, and another one corrupts memory.
func TestSQLiteLibc(t *testing.T) {
	mod := strings.TrimSpace(string(goTool(t, "list", "-m", "-f", "{{.GoMod}}", "modernc.org/sqlite")))
	have := strings.TrimSpace(string(goTool(t, "list", "-m", "-f", "{{.Version}}", "modernc.org/libc")))
	var pinned struct {
		Require []struct{ Path, Version string }
	}
	decode(t, goTool(t, "mod", "edit", "-json", mod), &pinned)
	for _, r := range pinned.Require {
		if r.Path == "modernc.org/libc" {
			if r.Version != have {
				t.Errorf("modernc.org/libc is %s, modernc.org/sqlite pins %s: go get modernc.org/libc@%s", have, r.Version, r.Version)
			}
			return
		}
	}
	t.Fatalf("modernc.org/sqlite does not require modernc.org/libc in %s any more: drop this test", mod)
}
