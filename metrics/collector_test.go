package metrics_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/metrics"
)

// patience is for what has to happen.
const patience = 20 * time.Second

// TestNumbers: what happened is in the exposition, and promtool finds nothing to say of it.
func TestNumbers(t *testing.T) {
	promtool := tool(t, "promtool")
	db, all := startDB(t, 3, aimdb.Retain("r1", aimdb.Retention{MaxRows: 1}), aimdb.SweepEvery(10*time.Millisecond))
	for i := range 5 {
		if err := all[1].Send(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Ingest().Set(nil, "r0", json.RawMessage(`1`)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Ingest().Set(nil, "nothing", json.RawMessage(`1`)); err == nil {
		t.Fatal("a record that is not there was set")
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := metrics.New(db, metrics.Records(2))
	var text string
	for deadline := time.Now().Add(patience); !strings.Contains(text, `aimdb_retention_pruned_rows_total{policy="r1"} 4`); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no sweep is counted:\n%s", text)
		}
		_, text = scrape(t, db, c, "")
	}
	for _, line := range []string{
		`aimdb_info{database="aimdb"} 1`, `aimdb_records 3`, `aimdb_records_left_out 1`,
		`aimdb_record_produced_total{record="r0"} 1`, `aimdb_record_produced_total{record="r1"} 5`, `aimdb_values_produced_total 6`,
		`aimdb_values_lost_total{cause="ring_overrun"} 0`, `aimdb_record_unread_values{record="r1"} 0`,
		`aimdb_log_messages 6`, `aimdb_log_published_total 6`, `aimdb_log_ok 1`, `aimdb_log_limit_bytes 1.073741824e+09`,
		`aimdb_sink_lag_messages{sink="sqlite"} 0`, `aimdb_sink_values_total{sink="sqlite"} 6`, `aimdb_sink_batch_values_sum{sink="sqlite"} 6`,
		`aimdb_history_rows 2`, `aimdb_ingest_accepted_total 1`, `aimdb_ingest_refused_total{cause="unknown"} 1`,
		`aimdb_scrape_errors_total 0`, `aimdb_retention_failures_total 0`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("there is no line %s", line)
		}
	}
	for _, name := range []string{`record="r2"`, `aimdb_sink_commit_seconds_count{sink="sqlite"} 0`, `aimdb_log_append_seconds_count 0`, `aimdb_disk_free_bytes 0`, "\naimdb_backup_"} {
		if strings.Contains(text, name) {
			t.Errorf("there is %s", name)
		}
	}
	for _, name := range []string{"aimdb_disk_free_bytes", "aimdb_log_oldest_timestamp_seconds", "aimdb_history_bytes", "aimdb_history_wal_bytes", "go_goroutines", "process_"} {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("there is no %s", name)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if said, err := check.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, said)
	}
}

// TestWhoMayScrape: only who may read all records.
func TestWhoMayScrape(t *testing.T) {
	db, _ := startDB(t, 1, aimdb.Tokens(
		aimdb.Token{Token: "reads-all-of-them", Read: []string{"#"}}, aimdb.Token{Token: "reads-only-some", Read: []string{"r.*"}}))
	for token, want := range map[string]int{"": 401, "Bearer wrong-wrong-wrong": 401, "Bearer reads-only-some": 403, "Bearer reads-all-of-them": 200} {
		if code, text := scrape(t, db, metrics.New(db), token); code != want || (code != 200) == strings.Contains(text, "aimdb_") {
			t.Errorf("%q: %d %.80s", token, code, text)
		}
	}
}

// TestTenThousandRecords: a scrape costs less than record.list, and a record over the limit
// has no metrics.
func TestTenThousandRecords(t *testing.T) {
	const n = 10_000
	db, _ := startDB(t, n)
	c := metrics.New(db)
	scraped := func() (series int) {
		to := make(chan prometheus.Metric, 1024)
		go func() { c.Collect(to); close(to) }()
		for range to {
			series++
		}
		return series
	}
	list := func() {
		if _, err := db.Call(t.Context(), gateway.Call{Method: "record.list"}); err != nil {
			t.Fatal(err)
		}
	}
	series := scraped()
	if most := 4*metrics.DefaultRecords + 200; series > most || series < 3*metrics.DefaultRecords {
		t.Errorf("there are %d series, want at most %d", series, most)
	}
	list()
	cost := testing.AllocsPerRun(3, func() { scraped() }) / testing.AllocsPerRun(3, list)
	began := time.Now()
	scraped()
	took := time.Since(began)
	began = time.Now()
	list()
	t.Logf("%d series; a scrape has %.2f of the allocations of record.list, and took %v, record.list %v", series, cost, took, time.Since(began))
	if cost > 1 {
		t.Errorf("a scrape allocates %.2f times what record.list does", cost)
	}
}
