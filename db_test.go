package aimdb_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/memory"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

type reading struct {
	City    string  `json:"city"`
	Celsius float64 `json:"celsius"`
}

// open opens a database with a history in a directory.
func open(t *testing.T, dir string, opts ...aimdb.Option) *aimdb.DB {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := aimdb.New(append([]aimdb.Option{aimdb.Dir(dir), aimdb.WithPersistence(store, time.Hour)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // only for tests that fail half way
	return db
}

// start runs a database and returns what ends it.
func start(t *testing.T, db *aimdb.DB) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	select {
	case <-db.Ready():
	case err := <-done:
		t.Fatalf("the database did not start: %v", err)
	}
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func register[T any](t *testing.T, db *aimdb.DB, key string, opts ...aimdb.RecordOption) *aimdb.Record[T] {
	t.Helper()
	r, err := aimdb.Register[T](db, key, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWriteFlushQuery(t *testing.T) {
	defer goleak.VerifyNone(t)
	db := open(t, t.TempDir())
	vienna := register[reading](t, db, "temp::vienna", aimdb.Ring(10), aimdb.Persist())
	berlin := register[reading](t, db, "temp::berlin", aimdb.Ring(10), aimdb.Persist())
	stop := start(t, db)
	for i := range 5 {
		vienna.Produce(reading{"vienna", float64(i)})
	}
	berlin.Produce(reading{"berlin", 20})
	ctx := t.Context()
	if err := db.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	latest, err := aimdb.QueryLatest[reading](ctx, db, "temp::*", 2)
	if err != nil {
		t.Fatal(err)
	}
	var got []reading
	for _, row := range latest {
		got = append(got, row.Value)
	}
	want := []reading{{"berlin", 20}, {"vienna", 4}, {"vienna", 3}}
	if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("latest: %v, want %v", got, want)
	}
	rows, err := aimdb.QueryRange[reading](ctx, db, "temp.vienna", latest[2].Time.Add(-time.Minute), time.Time{})
	if err != nil || len(rows) != 5 || rows[0].Value.Celsius != 0 || rows[0].Record != "temp::vienna" {
		t.Errorf("range: %v, %v", rows, err)
	}
	stop()
}

func TestRestartBringsRecordsBack(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	db := open(t, dir)
	r := register[reading](t, db, "temp::vienna", aimdb.Ring(8), aimdb.Persist())
	stop := start(t, db)
	for i := range 5 {
		r.Produce(reading{"vienna", float64(i)})
	}
	stop()

	db = open(t, dir)
	r = register[reading](t, db, "temp::vienna", aimdb.Ring(3), aimdb.Persist())
	stop = start(t, db)
	if v, ok := r.Latest(); !ok || v.Celsius != 4 {
		t.Errorf("after the restart the latest value is %v, %v", v, ok)
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := aimdb.QueryRange[reading](t.Context(), db, "#", time.Time{}, time.Time{})
	if err != nil || len(rows) != 5 {
		t.Errorf("%d rows after the restart, %v; want 5", len(rows), err)
	}
	stop()
}

func TestTransformStoresWhatItMakes(t *testing.T) {
	defer goleak.VerifyNone(t)
	db := open(t, t.TempDir())
	in := register[int](t, db, "in", aimdb.Ring(16), aimdb.Lossless())
	out := register[int](t, db, "out", aimdb.Ring(16), aimdb.Persist(), aimdb.Lossless())
	err := aimdb.Transform(in, out, func() aimdb.TransformFunc[int, int] {
		sum := 0
		return func(_ context.Context, v int, emit func(int) error) error {
			if sum += v; v%2 == 0 {
				return nil
			}
			return emit(sum)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	made := out.Subscribe("test")
	stop := start(t, db)
	for i := 1; i <= 5; i++ {
		if err := in.Send(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{1, 6, 15} {
		if got, err := made.Receive(t.Context()); err != nil || got != want {
			t.Errorf("received %d, %v; want %d", got, err, want)
		}
	}
	made.Close()
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows, err := aimdb.QueryLatest[int](t.Context(), db, "out", 10)
	if err != nil || len(rows) != 3 || rows[0].Value != 15 {
		t.Errorf("history: %v, %v", rows, err)
	}
	stop()
}

func TestProduceLoggedReturnsWhenTheLogHasIt(t *testing.T) {
	defer goleak.VerifyNone(t)
	db := open(t, t.TempDir(), aimdb.DurableLog())
	r := register[int](t, db, "n", aimdb.Latest(), aimdb.Persist(), aimdb.Durable())
	stop := start(t, db)
	if err := r.ProduceLogged(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	stop()
}

func TestErrorsNameTheThingAndTheWayOut(t *testing.T) {
	defer goleak.VerifyNone(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy := t.TempDir()
	holder := open(t, busy)
	defer holder.Close()
	address := taken.Addr().String()
	for _, c := range []struct {
		name string
		opts []aimdb.Option
		want []string
	}{
		{"name", []aimdb.Option{aimdb.Name("a.b")}, []string{`"a.b"`, "letters"}},
		{"directory in use", []aimdb.Option{aimdb.Dir(busy)}, []string{busy, "another process", "stop"}},
		{"http port", []aimdb.Option{aimdb.HTTP(address, nil)}, []string{address, "choose another"}},
		{"nats port", []aimdb.Option{aimdb.NATS(address)}, []string{address}},
		{"endpoint scheme", []aimdb.Option{aimdb.Gateway("carrier://pigeon")}, []string{"carrier", "unix://"}},
		{"no backend", []aimdb.Option{aimdb.WithPersistence(nil, 0)}, []string{"sqlite.Open"}},
		{"policy without history", []aimdb.Option{aimdb.Retain("#", aimdb.Retention{MaxRows: 1})}, []string{"WithPersistence"}},
		{"durable in memory", []aimdb.Option{aimdb.DurableLog()}, []string{"DurableLog", "Dir"}},
		{"pattern", []aimdb.Option{aimdb.Retain("a*", aimdb.Retention{MaxRows: 1})}, []string{"a*"}},
	} {
		db, err := aimdb.New(c.opts...)
		if err == nil {
			t.Errorf("%s: no error", c.name)
			_ = db.Close()
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not say %q", c.name, err, part)
			}
		}
	}
}

func TestPersistWithoutABackendIsAnError(t *testing.T) {
	db, err := aimdb.New()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := aimdb.Register[int](db, "n", aimdb.Persist()); err == nil || !strings.Contains(err.Error(), "WithPersistence") {
		t.Errorf("Register: %v", err)
	}
	if _, err := aimdb.QueryLatest[int](t.Context(), db, "#", 1); !errors.Is(err, aimdb.ErrNoHistory) {
		t.Errorf("QueryLatest: %v", err)
	}
	if _, err := aimdb.Register[int](db, "n", aimdb.Durable()); err == nil || !strings.Contains(err.Error(), "DurableLog") {
		t.Errorf("Register durable: %v", err)
	}
}

func TestRunsOnce(t *testing.T) {
	defer goleak.VerifyNone(t)
	db, err := aimdb.New()
	if err != nil {
		t.Fatal(err)
	}
	stop := start(t, db)
	if err := db.Run(t.Context()); !errors.Is(err, aimdb.ErrRan) {
		t.Errorf("a second Run: %v", err)
	}
	stop()
	if err := db.Close(); err != nil {
		t.Errorf("Close after Run: %v", err)
	}
}

func TestPagesBucketsAndStats(t *testing.T) {
	defer goleak.VerifyNone(t)
	db := open(t, t.TempDir())
	r := register[reading](t, db, "temp::vienna", aimdb.Ring(16), aimdb.Persist())
	stop := start(t, db)
	for i := range 10 {
		r.Produce(reading{"vienna", float64(i)})
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []float64
	q := aimdb.PageQuery{Pattern: "temp::*", Limit: 4, Descending: true}
	for pages := 1; ; pages++ {
		page, err := aimdb.QueryPage[reading](t.Context(), db, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Rows {
			got = append(got, row.Value.Celsius)
		}
		if q.Cursor = page.Next; q.Cursor == "" || pages > 5 {
			break
		}
	}
	if len(got) != 10 || got[0] != 9 || got[9] != 0 {
		t.Errorf("pages: %v", got)
	}
	q.Cursor = "forged"
	if _, err := aimdb.QueryPage[reading](t.Context(), db, q); err == nil {
		t.Error("a forged cursor was taken")
	}
	buckets, err := aimdb.QueryBuckets(t.Context(), db, "#", "celsius", 24*time.Hour, time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, b := range buckets {
		sum += b.Sum
	}
	if sum != 45 {
		t.Errorf("buckets: %+v", buckets)
	}
	stats, err := db.Stats(t.Context())
	if err != nil || stats.History.Rows != 10 || stats.Sinks[0].Values != 10 || stats.Log.State != "ok" {
		t.Errorf("stats: %+v, %v", stats, err)
	}
	stop()
}

func TestASecondSinkGetsTheSame(t *testing.T) {
	defer goleak.VerifyNone(t)
	second := &memory.Sink{}
	db := open(t, t.TempDir(), aimdb.WithSink(second))
	r := register[int](t, db, "n", aimdb.Ring(16), aimdb.Persist(), aimdb.Lossless())
	stop := start(t, db)
	for i := range 100 {
		if err := r.Send(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if got := len(second.Entries()); got != 100 {
		t.Errorf("the second sink has %d values, want 100", got)
	}
}
