package httpapi_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/httpapi"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// patience bounds what must happen at some time.
const patience = 2 * time.Minute

// reading is the value of the records of a fixture.
type reading struct {
	N    int     `json:"n"`
	Note *string `json:"note,omitempty"`
}

// fixture is a database that runs, and its handler on a listener.
type fixture struct {
	db      *aimdb.DB
	url     string
	client  *http.Client
	private *aimdb.Record[reading]
	made    *aimdb.Record[reading]
	stop    func()
}

// open starts a database in a directory.
func open(t testing.TB, dir string, options []httpapi.Option, more ...aimdb.Option) *fixture {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := aimdb.New(append([]aimdb.Option{aimdb.Name("web"), aimdb.Dir(dir), aimdb.WithPersistence(store, 0)}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{db: db}
	set := []aimdb.RecordOption{aimdb.Ring(256), aimdb.Persist(), aimdb.Writable()}
	for _, key := range []string{"n::a", "n::b", "grad/°C", "x.y.z"} {
		register[reading](t, db, key, set...)
	}
	register[json.RawMessage](t, db, "any", set...)
	register[reading](t, db, "empty", aimdb.Latest(), aimdb.Remote())
	register[reading](t, db, "live", aimdb.Latest(), aimdb.Writable())
	f.private = register[reading](t, db, "secret", aimdb.Ring(8), aimdb.Persist())
	f.made = register[reading](t, db, "made", aimdb.Ring(256), aimdb.Persist(), aimdb.Remote(), aimdb.Lossless())
	mux := http.NewServeMux()
	api := httpapi.New(db, options...)
	mux.Handle("/api", api)
	mux.Handle("/api/", api)
	mux.Handle("/below/", http.StripPrefix("/below", api))
	server := httptest.NewUnstartedServer(mux)
	server.Config.BaseContext = gateway.ListenerContext
	server.Start()
	f.url, f.client = server.URL, server.Client()
	f.client.Timeout = patience
	f.run(t, server.Close)
	return f
}

// run runs the database until stop, which also ends its server.
func (f *fixture) run(t testing.TB, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.db.Run(ctx) }()
	f.stop = func() {
		f.stop = func() {}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		end()
	}
	t.Cleanup(func() { f.stop() })
	select {
	case <-f.db.Ready():
	case err := <-done:
		t.Fatalf("the database does not start: %v", err)
	}
}

func register[T any](t testing.TB, db *aimdb.DB, key string, opts ...aimdb.RecordOption) *aimdb.Record[T] {
	t.Helper()
	r, err := aimdb.Register[T](db, key, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// answer is an answer with its body.
type answer struct {
	*http.Response
	body string
}

// request makes a request. Headers are given as "Name: value".
func (f *fixture) request(t testing.TB, method, path string, body io.Reader, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, f.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if r.Header.Set(name, value); name == "Host" {
			r.Host = value
		}
	}
	return r
}

// ask sends a request, and compares the answer with the description.
func (f *fixture) ask(t testing.TB, method, path, body string, headers ...string) answer {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	response, err := f.client.Do(f.request(t, method, path, reader, headers...))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	checkAnswer(t, method, path, response, text)
	return answer{response, string(text)}
}

// expect fails unless an answer has a status, and a body with a text.
func (a answer) expect(t testing.TB, status int, text string) {
	t.Helper()
	if a.StatusCode != status || !strings.Contains(a.body, text) {
		t.Errorf("%s %s: %d %.400s, want %d with %q", a.Request.Method, a.Request.URL, a.StatusCode, a.body, status, text)
	}
}

// into decodes an answer.
func (a answer) into(t testing.TB, to any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), to); err != nil {
		t.Fatalf("%s: %v in %.300s", a.Request.URL, err, a.body)
	}
}

func (f *fixture) flush(t testing.TB) {
	t.Helper()
	if err := f.db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}
