package serve_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/serve"
)

// TestFirstTokenWithNATS: a reload cannot close the NATS listener, so the first token and
// the first user are refused while it lets everybody in; what else is open stays known.
func TestFirstTokenWithNATS(t *testing.T) {
	r := start(t, "nats: 127.0.0.1:0\nhttp: 127.0.0.1:0\nrecords:\n  - key: a\n")
	before := r.text(t)
	explicit := strings.Replace(before, "nats: 127.0.0.1:0\n", "nats: 127.0.0.1:0\nnats_access: {token: natsnatsnats}\n", 1)
	for _, next := range []string{
		strings.Replace(before, "nats: 127.0.0.1:0\n", "", 1) + "tokens:\n  - {token: first-first, read: ['#']}\n",
		explicit + "users:\n  - {name: u, password: secretsecret, read: ['#']}\n",
	} {
		r.rewrite(t, next)
		if err := r.Reload(); err == nil || !strings.Contains(err.Error(), "NATS listener on "+r.DB().Addresses().NATS+" lets everybody in") {
			t.Errorf("the first token or user: %v", err)
		}
		open := "restart the server with these settings, everybody is let in at nats " + r.DB().Addresses().NATS + ", http " + r.DB().Addresses().HTTP
		if health := r.health(t); !strings.Contains(health, open) {
			t.Errorf("health does not name the open doors: %s", health)
		}
		if !r.DB().Access().Open() {
			t.Error("some doors are closed, and that of NATS is not")
		}
		if health := r.health(t); !strings.Contains(health, "not reloaded") || !strings.Contains(health, "NATS") {
			t.Errorf("health: %s", health)
		}
	}
	// After a restart only who presents something is let in.
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	r.open(t)
	address := "nats://" + r.DB().Addresses().NATS
	if nc, err := nats.Connect(address); err == nil {
		nc.Close()
		t.Error("NATS lets everybody in")
	}
	nc, err := nats.Connect(address, nats.Token("natsnatsnats"))
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	r.rewrite(t, explicit+"users:\n  - {name: u, password: othersecret, read: ['#']}\n")
	if err := r.Reload(); err != nil {
		t.Errorf("a reload with a NATS listener that is guarded: %v", err)
	}
}

// TestReloadWithARecordThatFails: the others are added and the tokens are in force. /health tells
// the error of that record, and does not ask for a restart.
func TestReloadWithARecordThatFails(t *testing.T) {
	r := start(t, "http: 127.0.0.1:0\nlog_age: 2d\nrecords:\n  - {key: other}\n  - {key: late}\n")
	if err := r.set(t, "late", `1`); err != nil {
		t.Fatal(err)
	}
	if err := r.DB().Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(r.text(t), "  - {key: late}\n", "", 1)
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	r.rewrite(t, text)
	r.open(t)
	with := func(records string) string {
		const other = "  - {key: other}\n"
		return strings.Replace(text, other, other+records, 1)
	}
	r.rewrite(t, strings.Replace(with("  - {key: first}\n  - {key: late, time: /at}\n  - {key: last}\n"), "log_age: 2d", "log_age: 3d", 1))
	err := r.Reload()
	const says = "the record late was not added: "
	if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "migrate_at_start") {
		t.Fatalf("a record with rows has a time now: %v", err)
	}
	for _, key := range []string{"first", "last"} {
		if err := r.set(t, key, `1`); err != nil {
			t.Errorf("%s was not added: %v", key, err)
		}
	}
	if latest(t, r.DB(), "late") != "no record" {
		t.Error("the record was added")
	}
	health := r.health(t)
	for _, part := range []string{says, "migrate_at_start", "settings that wait for a restart: log_age"} {
		if !strings.Contains(health, part) {
			t.Errorf("/health does not say %q: %s", part, health)
		}
	}
	if strings.Contains(health, "record late\"") || strings.Contains(health, "log_age, record") {
		t.Errorf("/health says that the record waits for a restart: %s", health)
	}
	r.rewrite(t, with("  - {key: first}\n  - {key: last}\n"))
	if err := r.Reload(); err != nil || !strings.Contains(r.health(t), `"ok"`) {
		t.Errorf("after a reload without the record: %v, %s", err, r.health(t))
	}
}

// TestEventTimeByReload: a record with a time that has rows is refused, also when a reload
// adds it, until one start has migrated them.
func TestEventTimeByReload(t *testing.T) {
	r := start(t, "records:\n  - {key: late}\n  - {key: other}\n")
	before := r.text(t)
	if err := r.set(t, "late", `{"at":"2020-01-02T00:00:00Z"}`); err != nil {
		t.Fatal(err)
	}
	if err := r.DB().Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	restart := func(text string) {
		t.Helper()
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		r.rewrite(t, text)
		r.open(t)
	}
	timed := strings.Replace(before, "{key: late}", "{key: late, time: /at}", 1)
	r.rewrite(t, timed) // the record is there, and waits
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	restart(strings.Replace(before, "  - {key: late}\n", "", 1))
	r.rewrite(t, timed) // the record is new, its rows are not
	for range 2 {
		if err := r.Reload(); err == nil || !strings.Contains(err.Error(), "migrate_at_start") {
			t.Fatalf("a record with rows has a time now: %v", err)
		}
	}
	if latest(t, r.DB(), "late") != "no record" {
		t.Error("the record was added")
	}
	// A start says how, and does it once it is told to.
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	settings, err := serve.Load(serve.Sources{Path: r.path})
	if err != nil {
		t.Fatal(err)
	}
	refused, err := serve.Open(settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := refused.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "--set migrate_at_start=true") {
		t.Fatalf("a start: %v", err)
	}
	r.rewrite(t, timed+"migrate_at_start: true\n")
	r.open(t)
	rows := r.rows(t, "late")
	if len(rows) != 1 || rows[0].Time.UTC().Format(time.DateOnly) != "2020-01-02" {
		t.Errorf("after the migration: %+v", rows)
	}
	restart(timed) // which needs it no more
	restart(before + "migrate_at_start: true\n")
	if rows := r.rows(t, "late"); len(rows) != 1 || time.Since(rows[0].Time) > time.Hour {
		t.Errorf("after the migration back: %+v", rows)
	}
}

// TestKeyOfARecordThatHasBegun: a reload that declares the key of a record which a client
// has begun applies everything else, and says that this one waits.
func TestKeyOfARecordThatHasBegun(t *testing.T) {
	r := start(t, "http: 127.0.0.1:0\nrecords:\n  - pattern: '#'\n")
	if err := r.set(t, "begun", `1`); err != nil {
		t.Fatal(err)
	}
	r.rewrite(t, r.text(t)+"retention:\n  - {pattern: '#', max_rows: 5}\n")
	r.rewrite(t, strings.Replace(r.text(t), "  - pattern: '#'\n", "  - pattern: '#'\n  - {key: begun, schema: {type: string}}\n  - {key: fresh, schema: {type: string}}\n", 1))
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if health := r.health(t); !strings.Contains(health, "wait for a restart: record begun") {
		t.Errorf("health: %s", health)
	}
	if r.set(t, "begun", `2`) != nil || r.set(t, "fresh", `2`) == nil || r.set(t, "fresh", `"x"`) != nil {
		t.Error("the records are not those of before and the new one")
	}
}
