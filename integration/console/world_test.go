package console

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/console"
	"github.com/aimdb-go/aimdb/httpapi"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// world is a database with the console, reached through a wire that can be cut.
type world struct {
	*aimdb.DB
	wire *wire
	url  string
}

// open runs a database until the end of the test.
func open(t testing.TB, register func(*aimdb.DB), opts ...aimdb.Option) *world {
	t.Helper()
	return openStore(t, nil, register, opts...)
}

// openStore is open with options of the store.
func openStore(t testing.TB, of []sqlite.Option, register func(*aimdb.DB), opts ...aimdb.Option) *world {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"), of...)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	db, err := aimdb.New(append([]aimdb.Option{
		aimdb.Name("plant"), aimdb.Dir(dir), aimdb.WithPersistence(store, 0), aimdb.HTTP("127.0.0.1:0", mux),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	api, pages := httpapi.New(db), console.New(db)
	mux.Handle("/api/", api)
	mux.Handle("/console", pages)
	mux.Handle("/console/", pages)
	register(db)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	<-db.Ready()
	w := &world{DB: db, wire: newWire(t, db.Addresses().HTTP)}
	w.url = "http://" + w.wire.address
	return w
}

// add registers a record of JSON values.
func add(t testing.TB, db *aimdb.DB, key string, opts ...aimdb.RecordOption) *aimdb.Untyped {
	t.Helper()
	r, err := aimdb.AddJSON(db, key, append([]aimdb.RecordOption{aimdb.Remote()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// set sets a record to the JSON of a value.
func set(t testing.TB, r *aimdb.Untyped, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Set(b); err != nil {
		t.Fatalf("set %s: %v", r.Key(), err)
	}
}

// stamped is a value with a time of its own.
type stamped struct {
	At      time.Time `json:"at"`
	Celsius float64   `json:"celsius"`
	Gust    float64   `json:"gust"`
}

const (
	htmlKey = "html::<svg/onload=alert(1)"
	html    = `<script>alert(1)</script><b id=injected>bold</b>`
)

// plant has records of the kinds that a page may meet.
func plant(t testing.TB) *world {
	t.Helper()
	var outdoor *aimdb.Record[stamped]
	w := open(t, func(db *aimdb.DB) { outdoor = addOutdoor(t, db) })
	furnish(t, w, outdoor)
	large := add(t, w.DB, "large", aimdb.Ring(8), aimdb.Persist())
	set(t, large, map[string]any{"text": strings.Repeat("0123456789", 100_000), "n": 5})
	add(t, w.DB, "silent", aimdb.Latest())
	return w
}

func addOutdoor(t testing.TB, db *aimdb.DB) *aimdb.Record[stamped] {
	t.Helper()
	r, err := aimdb.Register[stamped](db, "weather::outdoor", aimdb.Ring(4096), aimdb.Persist(), aimdb.Remote(),
		aimdb.EventTime(func(s stamped) time.Time { return s.At }))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// furnish gives an hour of weather, machines in three halls, and odd records.
func furnish(t testing.TB, w *world, outdoor *aimdb.Record[stamped]) {
	t.Helper()
	now := time.Now()
	for i := range 720 {
		at := now.Add(time.Duration(i-719) * 5 * time.Second)
		x := float64(i) / 60
		outdoor.Produce(stamped{at, math.Round(100*(21+4*math.Sin(x)+0.6*math.Sin(9*x))) / 100, math.Round(100*(12+7*math.Cos(x/2)+2*math.Sin(13*x))) / 100})
	}
	ahead, err := aimdb.AddJSON(w.DB, "forecast::tomorrow", aimdb.Ring(64), aimdb.Persist(), aimdb.Remote())
	if err != nil {
		t.Fatal(err)
	}
	set(t, ahead, map[string]any{"celsius": 23.5, "for": now.Add(24 * time.Hour).Format(time.RFC3339)})
	for i, kind := range []string{"boiler", "chiller", "conveyor", "pump", "tank"} {
		for n := range 3 {
			r := add(t, w.DB, fmt.Sprintf("site::hall%d.%s", n+1, kind), aimdb.Ring(64), aimdb.Persist(), aimdb.Writable())
			for v := range 30 {
				set(t, r, map[string]any{"bar": math.Round(1000*(2+math.Sin(float64(v*(i+1))/7+float64(n)))) / 1000, "running": v%7 != 0})
			}
		}
	}
	set(t, add(t, w.DB, htmlKey, aimdb.Latest(), aimdb.Persist()), html)
	mixed := add(t, w.DB, "mixed", aimdb.Ring(64), aimdb.Persist())
	for _, v := range []any{1, 2.5, "text", nil, true, []int{1, 2}, map[string]any{"a": map[string]int{"b": 7}}, 4} {
		set(t, mixed, v)
	}
	set(t, add(t, w.DB, "settings", aimdb.Latest(), aimdb.Writable()), map[string]any{"limit": 80})
}

// wire passes TCP on to a server, unless it is cut.
type wire struct {
	address, to string
	mu          sync.Mutex
	cutNow      bool
	conns       map[net.Conn]bool
	work        sync.WaitGroup
}

func newWire(t testing.TB, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{address: l.Addr().String(), to: to, conns: map[net.Conn]bool{}}
	w.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.work.Go(func() { w.pass(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); w.cut(); w.work.Wait() })
	return w
}

func (w *wire) pass(c net.Conn) {
	defer func() { _ = c.Close() }()
	s, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer func() { _ = s.Close() }()
	if !w.keep(c, s) {
		return
	}
	var both sync.WaitGroup
	for _, p := range [][2]net.Conn{{c, s}, {s, c}} {
		both.Go(func() {
			_, _ = io.Copy(p[0], p[1]) // it ends with either side
			_, _ = p[0].Close(), p[1].Close()
		})
	}
	both.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, c)
	delete(w.conns, s)
}

func (w *wire) keep(conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		w.conns[c] = true
	}
	return !w.cutNow
}

// cut ends all connections, and new ones too until mend.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cutNow = true
	for c := range w.conns {
		_ = c.Close()
	}
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cutNow = false
}
