package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/internal/tlstest"
)

// TestDocumentedSettings: aimdb config check takes each block of settings in the documents, and
// promtool the configuration of Prometheus.
func TestDocumentedSettings(t *testing.T) {
	t.Parallel()
	dir, files := t.TempDir(), tlstest.New(t)
	for _, name := range []string{"gauge.token", "aimdb-token"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("8fYq0cJr5WmZ8fYq0cJr5WmZ\n"), 0o600))
	}
	must(t, os.CopyFS(dir, os.DirFS(filepath.Join(root, "deploy", "prometheus"))))
	places := strings.NewReplacer("hub.pem", files.ServerCert, "hub.key", files.ServerKey, "devices.pem", files.CA,
		"/run/credentials/aimdb.service", dir, "/etc/prometheus", dir)
	checked := 0
	for _, document := range documents(t) {
		for _, b := range blocks(t, document) {
			if b.language != "yaml" || strings.HasPrefix(b.text, "# metrics.yaml") { // which TestGrafanaHowTo gives to the adapter
				continue
			}
			checked++
			path := filepath.Join(dir, "settings.yaml")
			must(t, os.WriteFile(path, []byte(places.Replace(b.text)), 0o600))
			if !strings.Contains(b.text, "scrape_configs:") {
				if r := aimdb(t, "config", "check", "--config", path); r.code != exitOK {
					t.Errorf("%s: %s%s", b, r.stdout, r.stderr)
				}
				continue
			}
			promtool, err := exec.LookPath("promtool")
			if err != nil {
				notInstalled(t, "promtool")
			}
			if out, err := exec.Command(promtool, "check", "config", path).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", b, err, out)
			}
		}
	}
	if checked < 10 {
		t.Errorf("there are only %d blocks of settings", checked)
	}
}
