package upkeep

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"context"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/console"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

func quoted(s string) string {
	b, _ := json.Marshal(s) // a string can be encoded
	return string(b)
}

// The tokens of a house: all, and reading temp.* only.
const allToken, tempToken = "token-of-all", "token-of-temp"

// markup is a value that is HTML.
const markup = `<img src=x onerror=document.body.dataset.run=1>`

// house is a database with stages, and a web server that serves it and the console.
type house struct {
	db  *aimdb.DB
	web *httptest.Server
	in  map[string]*aimdb.Record[float64]
	log *aimdb.Record[string]
}

func (h *house) page(name string) string { return h.web.URL + "/console/#/" + name }

// open opens a house in a directory whose store takes values of at most some bytes.
func open(t *testing.T, dir string, most int, opts ...aimdb.Option) (h *house, stop func()) {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"), sqlite.MaxValueBytes(most))
	if err != nil {
		t.Fatal(err)
	}
	db, err := aimdb.New(append([]aimdb.Option{aimdb.Name("house"), aimdb.Dir(dir), aimdb.WithPersistence(store, 0),
		aimdb.Retain("temp.*", aimdb.Retention{MaxRows: 100}), aimdb.HistoryBytes(1 << 30)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	h = &house{db: db, in: map[string]*aimdb.Record[float64]{}}
	return h, h.start(t)
}

// furnish registers the records: two thermometers whose mean makes an alarm, and some others.
func (h *house) furnish(t *testing.T) {
	t.Helper()
	ring := []aimdb.RecordOption{aimdb.Ring(200), aimdb.Persist(), aimdb.Remote()}
	for _, key := range []string{"temp.attic", "temp.cellar", "power.meter"} {
		h.in[key] = must(aimdb.Register[float64](h.db, key, ring...))(t)
	}
	h.log = must(aimdb.Register[string](h.db, "notes.<img&amp;", ring...))(t)
	mean := must(aimdb.Register[float64](h.db, "temp.mean", ring...))(t)
	alarm := must(aimdb.Register[bool](h.db, "alarm.fire", aimdb.Latest(), aimdb.Remote()))(t)
	report := must(aimdb.Register[string](h.db, "a.record.with.a.very.long.key.that.does.not.fit", aimdb.Latest(), aimdb.Remote()))(t)
	err := aimdb.Join2(h.in["temp.attic"], h.in["temp.cellar"], mean, meanOf)
	if err == nil {
		err = aimdb.Map(mean, alarm, func(v float64) bool { return v > 50 })
	}
	if err == nil {
		err = aimdb.Map(mean, report, func(v float64) string { return "fine" })
	}
	if err != nil {
		t.Fatal(err)
	}
}

// meanOf makes a value of each value of the first record.
func meanOf() (a, b aimdb.TransformFunc[float64, float64]) {
	var other float64
	a = func(_ context.Context, v float64, emit func(float64) error) error { return emit((v + other) / 2) }
	b = func(_ context.Context, v float64, _ func(float64) error) error { other = v; return nil }
	return a, b
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (h *house) start(t *testing.T) (stop func()) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/console", console.New(h.db))
	mux.Handle("/console/", console.New(h.db))
	mux.Handle("/", h.db.Handler())
	h.web = httptest.NewServer(mux)
	return func() { h.web.Close() }
}

// run runs the database until the test or stop ends it.
func (h *house) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.db.Run(ctx) }()
	<-h.db.Ready()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// fill writes 150 values of each thermometer, and notes of which a store of 200 bytes
// refuses two.
func (h *house) fill(t *testing.T) {
	t.Helper()
	for i := range 150 {
		for _, r := range h.in {
			if err := r.Send(t.Context(), 20+float64(i)/10); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, note := range []string{"short", markup + strings.Repeat("x", 200), strings.Repeat("long ", 100)} {
		if err := h.log.Send(t.Context(), note); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}
