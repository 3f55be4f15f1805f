package metrics_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/internal/docfile"
	"github.com/aimdb-go/aimdb/metrics"
	"github.com/aimdb-go/aimdb/metrics/mqttmetrics"
)

var update = docfile.Flag()

const (
	document    = "../docs/METRICS.md"
	begin, end  = "<!-- begin of what go test ./metrics -run TestDocument -update writes -->\n", "<!-- end -->\n"
	deployRules = "../deploy/prometheus"
	dashboard   = "../deploy/grafana/dashboard.json"
)

func table(title string, all []metrics.Description) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s\n\n| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n", title)
	for _, d := range all {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Name, d.Kind, strings.Join(d.Labels, ", "), d.Help)
	}
	return b.String()
}

// TestDocument: docs/METRICS.md lists all metrics.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has not the lines %q and %q", document, begin, end)
	}
	want := before + begin + table("Of the database", metrics.Descriptions()) + table("Of the MQTT server, where there is one", mqttmetrics.Descriptions()) + "\n" + end + after
	docfile.Check(t, update, document, want)
	alerts, err := os.ReadFile(filepath.Join(deployRules, "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(alerts), -1) {
		if !strings.Contains(string(text), "`"+name[1]+"`") {
			t.Errorf("%s does not explain the alert %s", document, name[1])
		}
	}
}

// TestDescriptions: names and units follow the conventions of Prometheus, and there is none
// twice.
func TestDescriptions(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range append(metrics.Descriptions(), mqttmetrics.Descriptions()...) {
		if seen[d.Name] || !strings.HasPrefix(d.Name, "aimdb_") || strings.HasSuffix(d.Name, "_total") != (d.Kind == metrics.Counter) || !strings.HasSuffix(d.Help, ".") {
			t.Errorf("%+v", d)
		}
		seen[d.Name] = true
	}
}

// TestRules: promtool accepts the alert rules, and its tests of them pass.
func TestRules(t *testing.T) {
	promtool := tool(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		run := exec.CommandContext(t.Context(), promtool, args...)
		run.Dir = deployRules
		if said, err := run.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, said)
		}
	}
}

// TestUsedMetricsExist: the rules and the dashboard ask only for metrics and labels that
// there are.
func TestUsedMetricsExist(t *testing.T) {
	known := map[string]bool{}
	for _, d := range append(metrics.Descriptions(), mqttmetrics.Descriptions()...) {
		names := []string{d.Name}
		if d.Kind == metrics.Histogram {
			names = []string{d.Name + "_bucket", d.Name + "_sum", d.Name + "_count"}
		}
		for _, name := range names {
			known[name] = true
		}
	}
	rules, err := os.ReadFile(filepath.Join(deployRules, "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	exprs := regexp.MustCompile(`(?m)^ +expr: (.*)$`).FindAllString(string(rules), -1)
	for _, p := range board.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("the panel %s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			exprs = append(exprs, target.Expr)
		}
	}
	used := 0
	for _, expr := range exprs {
		for _, name := range regexp.MustCompile(`\baimdb_\w+`).FindAllString(expr, -1) {
			if used++; !known[name] {
				t.Errorf("%s asks for %s, which does not exist", expr, name)
			}
		}
	}
	if used < 50 {
		t.Errorf("only %d names were found", used)
	}
}

// TestDashboardQueriesParse: promtool parses each query of the dashboard.
func TestDashboardQueriesParse(t *testing.T) {
	promtool := tool(t, "promtool")
	text, err := os.ReadFile(dashboard)
	if err != nil {
		t.Fatal(err)
	}
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	found := regexp.MustCompile(`"expr": (".*")`).FindAllStringSubmatch(string(text), -1)
	for i, one := range found {
		fmt.Fprintf(&rules, "  - {record: \"a:%d\", expr: %s}\n", i, strings.ReplaceAll(one[1], "$__rate_interval", "5m"))
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), promtool, "check", "rules", file).CombinedOutput(); err != nil || len(found) < 30 {
		t.Errorf("%d queries: %v\n%s", len(found), err, said)
	}
}
