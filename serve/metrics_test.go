package serve_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/internal/needed"
	"github.com/aimdb-go/aimdb/internal/webtest"
)

// TestPrometheusScrapes: a real Prometheus scrapes a server with a token, and answers a
// query with what it found.
func TestPrometheusScrapes(t *testing.T) {
	prometheus, err := exec.LookPath("prometheus")
	if err != nil {
		needed.Missing(t, "prometheus: %v", err)
	}
	r := start(t, "http: 127.0.0.1:0\nmqtt: 127.0.0.1:0\ntokens:\n  - {token: scrape-scrape, read: ['#']}\nrecords:\n  - {key: a}\n")
	for range 3 {
		if err := r.set(t, "a", `1`); err != nil {
			t.Fatal(err)
		}
	}
	web := r.DB().Addresses().HTTP
	for path, want := range map[string]int{"/metrics": 401, "/metrics/x": 404, "/livez": 200, "/readyz": 200, "/startupz": 200} {
		if code, text := webtest.Get(t, "http://"+web+path, ""); code != want {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	if code, text := webtest.Get(t, "http://"+web+"/metrics", "scrape-scrape"); code != 200 || !strings.Contains(text, "aimdb_mqtt_connections 0\n") || !strings.Contains(text, `aimdb_http_requests_total{code="401"} 1`) {
		t.Errorf("%d %s", code, text)
	}
	at := runPrometheus(t, prometheus, web)
	query := "http://" + at + "/api/v1/query?query=" + url.QueryEscape(`aimdb_record_produced_total{record="a"}`)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		code, text := webtest.Get(t, query, "")
		var answer struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		if code == 200 {
			if err := json.Unmarshal([]byte(text), &answer); err != nil {
				t.Fatal(err)
			}
		}
		if found := answer.Data.Result; len(found) == 1 {
			if found[0].Value[1] != "3" {
				t.Errorf("Prometheus has %v", found)
			}
			return
		}
		if time.Now().After(deadline) {
			_, targets := webtest.Get(t, "http://"+at+"/api/v1/targets", "")
			t.Fatalf("Prometheus has nothing: %d %s %s", code, text, targets)
		}
	}
}

// runPrometheus runs a Prometheus that scrapes a server, and returns its address.
func runPrometheus(t *testing.T, program, web string) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	config := fmt.Sprintf("scrape_configs:\n  - {job_name: aimdb, scrape_interval: 200ms, authorization: {credentials: scrape-scrape}, static_configs: [{targets: [%q]}]}\n", web)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	run := exec.CommandContext(ctx, program, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+at, "--log.level=warn")
	if err := run.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = run.Wait() // it was killed
	})
	return at
}

// awaitMetric scrapes until a line of a metric is there that is not 0, and returns its value.
func awaitMetric(t *testing.T, r *running, series string) float64 {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		_, text := webtest.Get(t, "http://"+r.DB().Addresses().HTTP+"/metrics", "")
		for line := range strings.Lines(text) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), series+" "); ok && value != "0" {
				n, err := strconv.ParseFloat(value, 64)
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is no %s:\n%s", series, text)
		}
	}
}

// TestBackupMetric: a server that makes backups exports the time of the last good one, and the
// time between two.
func TestBackupMetric(t *testing.T) {
	began := time.Now()
	r := start(t, "http: 127.0.0.1:0\nbackup: {every: 1h, keep: 2}\n")
	at := awaitMetric(t, r, "aimdb_backup_last_success_timestamp_seconds")
	if now := time.Now(); at < float64(began.Unix()) || at > float64(now.Unix()+1) {
		t.Errorf("the backup was made at %v, between %v and %v", at, began, now)
	}
	if every := awaitMetric(t, r, "aimdb_backup_interval_seconds"); every != 3600 {
		t.Errorf("a backup is due every %v s", every)
	}
}
