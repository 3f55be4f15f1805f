package serve_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/serve"
)

// running is a server that runs.
type running struct {
	*serve.Server
	path string
	end  func() error
}

// start runs a server by a file of settings, with a directory of its own. Nothing listens
// but what the text names.
func start(t *testing.T, text string) *running {
	t.Helper()
	path := write(t, "")
	r := &running{path: path}
	text = "dir: " + filepath.Join(filepath.Dir(path), "data") + "\n" + text
	for _, off := range []string{"http", "nats", "mqtt"} {
		if !strings.Contains(text, off+": ") {
			text += off + ": off\n"
		}
	}
	r.rewrite(t, text+"gateways: []\n")
	r.open(t)
	return r
}

func (r *running) rewrite(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(r.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *running) text(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(r.path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (r *running) open(t *testing.T) {
	t.Helper()
	settings, err := serve.Load(serve.Sources{Path: r.path})
	if err != nil {
		t.Fatal(err)
	}
	if r.Server, err = serve.Open(settings, slog.New(slog.NewTextHandler(io.Discard, nil))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.end = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := r.end(); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-r.DB().Ready():
	case <-time.After(time.Minute):
		t.Fatal("it does not serve")
	}
}

// set sets a value and waits for the log.
func (r *running) set(t *testing.T, key, value string) error {
	t.Helper()
	p, err := r.DB().Ingest().SetLogged(t.Context(), nil, key, json.RawMessage(value))
	if err != nil {
		return err
	}
	return p.Wait(t.Context())
}

func latest(t *testing.T, db *aimdb.DB, key string) string {
	t.Helper()
	u, ok := db.Registry().Lookup(key)
	if !ok {
		return "no record"
	}
	value, _, _, err := u.Get()
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

// TestRecords: schemas, patterns and keys decide what is taken, also after a restart.
func TestRecords(t *testing.T) {
	r := start(t, `
max_records: 2
records:
  - key: room.a
    schema: {type: object, required: [c], properties: {c: {type: number}}}
  - pattern: room.*
    schema: {type: object, properties: {c: {type: integer}}}
  - pattern: "#"
    schema: false
  - key: closed
    writable: false
`)
	const taken = ingest.Cause(255)
	for _, c := range []struct {
		key, value string
		cause      ingest.Cause
		path       string
	}{
		{"room.a", `{"c":1.5}`, taken, ""},
		{"room.a", `{"c":"x"}`, ingest.Invalid, "/c"},
		{"room.b", `{"c":1.5}`, ingest.Invalid, "/c"},
		{"room.b", `{"c":22.0}`, taken, ""},
		{"other.b.c", `{"c":1}`, ingest.Invalid, ""},
		{"closed", `1`, ingest.Denied, ""},
		{"room.b", `{"c":1}`, taken, ""},
	} {
		err := r.set(t, c.key, c.value)
		var refused *ingest.Refusal
		if c.cause == taken && err != nil || c.cause != taken && (!errors.As(err, &refused) || refused.Cause != c.cause || refused.Path != c.path) {
			t.Errorf("%s %s: %v", c.key, c.value, err)
		}
	}
	if err := r.DB().Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	r.open(t)
	if a, b := latest(t, r.DB(), "room.a"), latest(t, r.DB(), "room.b"); a != `{"c":1.5}` || b != `{"c":1}` {
		t.Errorf("after a restart there are %s and %s", a, b)
	}
}

// TestReload: a reload under load loses nothing, adds records, replaces retention and
// tokens, says what waits, and leaves the old settings in force if the new ones are wrong.
func TestReload(t *testing.T) {
	r := start(t, "http: 127.0.0.1:0\ntokens:\n  - {token: first-first, read: ['#'], write: ['#']}\nrecords:\n  - {key: load, lossless: true}\n")
	stop := make(chan struct{})
	counted := make(chan int)
	go func() {
		n := 0
		for ; ; n++ {
			select {
			case <-stop:
				counted <- n
				return
			default:
			}
			p, err := r.DB().Ingest().SetLogged(context.Background(), nil, "load", json.RawMessage(fmt.Sprint(n)))
			if err == nil {
				err = p.Wait(context.Background())
			}
			if err != nil {
				t.Errorf("value %d: %v", n, err)
			}
		}
	}()
	before := r.text(t)
	if err := r.set(t, "added", `1`); err == nil {
		t.Error("a record that is not declared is set")
	}
	for range 5 {
		if err := r.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	next := strings.ReplaceAll(before, "first-first", "second-second") + "  - key: added\n    retention: {max_rows: 1}\n"
	next = strings.Replace(next, "  - key: added\n    retention: {max_rows: 1}\n", "", 1)
	next = strings.Replace(next, "lossless: true}\n", "lossless: true}\n  - key: added\n    retention: {max_rows: 1}\n", 1)
	r.rewrite(t, next)
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	list := r.DB().Access()
	if list.Token("first-first") != nil || list.Token("second-second") == nil {
		t.Error("the tokens are the old ones")
	}
	for i := range 5 {
		if err := r.set(t, "added", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if health := r.health(t); !strings.Contains(health, `"ok"`) {
		t.Errorf("health: %s", health)
	}

	r.rewrite(t, next+"htpp: x\n")
	if err := r.Reload(); err == nil || !strings.Contains(err.Error(), `did you mean "http"?`) {
		t.Errorf("a broken file: %v", err)
	}
	if health := r.health(t); !strings.Contains(health, "not reloaded") || !strings.Contains(health, "htpp") {
		t.Errorf("health of a broken file: %s", health)
	}
	if list.Token("second-second") == nil || r.set(t, "added", `9`) != nil {
		t.Error("the settings before are not in force")
	}
	r.rewrite(t, strings.Replace(next, "lossless: true", "lossless: true, type: x", 1)+"log_age: 3d\n")
	if err := r.Reload(); err != nil {
		t.Fatal(err)
	}
	if health := r.health(t); !strings.Contains(health, "wait for a restart: log_age, record load") {
		t.Errorf("health of settings that wait: %s", health)
	}
	r.rewrite(t, next)
	if err := r.Reload(); err != nil || !strings.Contains(r.health(t), `"ok"`) {
		t.Errorf("a mended file: %v %s", err, r.health(t))
	}
	close(stop)
	n := <-counted
	if err := r.DB().Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := len(r.rows(t, "load"))
	if rows != n || n == 0 {
		t.Errorf("%d values were acknowledged under reloads, and %d are stored", n, rows)
	}
	// The retention of a record that came with a reload is in force.
	deadline := time.Now().Add(time.Minute)
	for {
		if err := r.Reload(); err != nil { // which sweeps
			t.Fatal(err)
		}
		rows = len(r.rows(t, "added"))
		if rows == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("there are %d rows of a record that keeps 1", rows)
		}
	}
}

func (r *running) health(t *testing.T) string {
	t.Helper()
	ask, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.DB().Addresses().HTTP+"/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !r.DB().Access().Open() {
		ask.Header.Set("Authorization", "Bearer second-second") // it hears why
	}
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestEventTime: the time comes out of the value.
func TestEventTime(t *testing.T) {
	r := start(t, "records:\n  - {key: late, time: /at, signal: /c, unit: C}\n")
	for _, value := range []string{`{"at":"2020-01-02T00:00:00Z","c":1}`, `{"at":1577923200000,"c":2}`, `{"c":3}`} {
		if err := r.set(t, "late", value); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.DB().Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var times []int64
	for _, row := range r.rows(t, "late") {
		times = append(times, row.Time.UnixMilli())
	}
	if len(times) != 3 || times[0] != 1577923200000 || times[1] != 1577923200000 || times[2] < 1700000000000 {
		t.Errorf("the times are %v", times)
	}
	u, _ := r.DB().Registry().Lookup("late")
	if s := u.Metrics().Signal; s == nil || s.Last != 3 || s.Unit != "C" || s.Signal != "c" {
		t.Errorf("the signal is %+v", s)
	}
}

// TestTaken: a port that is taken is told with the setting.
func TestTaken(t *testing.T) {
	r := start(t, "http: 127.0.0.1:0\n")
	taken := r.DB().Addresses().HTTP
	for _, setting := range []string{"http", "tcp", "nats", "mqtt"} {
		path := write(t, fmt.Sprintf("dir: %s\nhttp: off\nnats: off\nmqtt: off\ngateways: []\n", t.TempDir()))
		s, err := serve.Load(serve.Sources{Path: path, Flags: []serve.Flag{{Name: "--x", Setting: setting, Value: taken}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = serve.Open(s, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), taken) || !strings.Contains(err.Error(), "(setting "+setting+", --x)") {
			t.Errorf("%s: %v", setting, err)
		}
	}
}

func (r *running) rows(t *testing.T, key string) []aimdb.Row[json.RawMessage] {
	t.Helper()
	rows, err := aimdb.QueryRange[json.RawMessage](t.Context(), r.DB(), key, time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
