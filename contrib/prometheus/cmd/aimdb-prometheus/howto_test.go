package main

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// TestGrafanaHowTo does what docs/how-to/grafana.md says: the adapter that its command builds
// answers the query of step 4 from the metrics of step 2.
func TestGrafanaHowTo(t *testing.T) {
	text, err := os.ReadFile("../../../../docs/how-to/grafana.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?ms)^ *```(sh|yaml)$\n(.*?)^ *```$").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 3 || strings.TrimSpace(blocks[0][2]) != "go -C contrib/prometheus build -o ../../bin/ ./cmd/aimdb-prometheus" {
		t.Fatalf("the blocks are %q", blocks)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "metrics.yaml"), []byte(strings.ReplaceAll(blocks[1][2], "\n   ", "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	row := history.Row{Record: "room.kitchen", Time: time.Now().UnixMilli(), Value: []byte(`{"celsius":21.5}`)}
	fill(t, filepath.Join(dir, "history.db"), each([]history.Row{row}))
	command := strings.Fields(strings.NewReplacer("metrics.yaml", filepath.Join(dir, "metrics.yaml"), "aimdb-data", dir).Replace(blocks[2][2]))
	if command[0] != "bin/aimdb-prometheus" {
		t.Fatalf("the adapter is started as %s", command[0])
	}
	at := startAdapter(t, command[1:]...) // the later -metrics counts
	query := regexp.MustCompile("Draw `(.*)`").FindStringSubmatch(string(text))
	if got := get(t, at, "/api/v1/query", url.Values{"query": {query[1]}}); !strings.Contains(got, `"21.5"`) {
		t.Errorf("%s is %s", query[1], got)
	}
}
