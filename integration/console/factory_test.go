package console

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// factory is a database with something to see on every page: stages, two sinks, losses, dead
// letters, policies, and values that come all the time.
func factory(t *testing.T) *world {
	t.Helper()
	files, err := ndjson.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	})
	var outdoor *aimdb.Record[stamped]
	var meters []*aimdb.Record[float64]
	w := openStore(t, []sqlite.Option{sqlite.MaxValueBytes(64_000)}, func(db *aimdb.DB) {
		outdoor = addOutdoor(t, db)
		meters = addMeters(t, db, outdoor)
	}, aimdb.WithSink(files), aimdb.HistoryBytes(1<<30), aimdb.SweepEvery(2*time.Second),
		aimdb.Retain("meter::*", aimdb.Retention{MaxRows: 500}), aimdb.Retain("weather::*", aimdb.Retention{MaxAge: 30 * 24 * time.Hour}),
		aimdb.Retain("camera::*", aimdb.Retention{MaxAge: 7 * 24 * time.Hour, MaxBytes: 1_500_000}), aimdb.Retain("power::total", aimdb.Retention{Forever: true}))
	furnish(t, w, outdoor)
	camera := add(t, w.DB, "camera::yard", aimdb.Ring(64), aimdb.Persist())
	for i := range 24 { // every eighth is larger than the store takes
		size := 40_000
		if i%8 == 7 {
			size = 70_000 + 500*i
		}
		set(t, camera, map[string]any{"frame": i, "jpeg": strings.Repeat("/9j/4AAQSkZJRgABAQ", size/18)})
	}
	for i := range 800 {
		for n, m := range meters {
			m.Produce(kilowatt(n, i))
		}
	}
	meters[2].Produce(math.NaN()) // JSON has no such number
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); meter(ctx, meters) }()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

func kilowatt(meter, i int) float64 {
	return math.Round(100*(30+float64(7*meter)+12*math.Sin(float64(i)/40+float64(meter))+3*rand.Float64())) / 100
}

// meter gives the meters values, until the end of ctx.
func meter(ctx context.Context, meters []*aimdb.Record[float64]) {
	tick := time.NewTicker(150 * time.Millisecond)
	defer tick.Stop()
	for i := 800; ; i++ {
		for n, m := range meters {
			if i%(n+1) == 0 {
				m.Produce(kilowatt(n, i))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// addMeters registers meters, and what is made from them and from the weather.
func addMeters(t *testing.T, db *aimdb.DB, outdoor *aimdb.Record[stamped]) (meters []*aimdb.Record[float64]) {
	t.Helper()
	stored := []aimdb.RecordOption{aimdb.Ring(4096), aimdb.Persist(), aimdb.Remote()}
	for i := range 3 {
		meters = append(meters, register[float64](t, db, fmt.Sprintf("meter::hall%d", i+1), stored...))
	}
	total, celsius := register[float64](t, db, "power::total", stored...), register[float64](t, db, "weather::celsius", stored...)
	cost, demand := register[float64](t, db, "power::cost", aimdb.Latest(), aimdb.Remote()), register[float64](t, db, "heating::demand", aimdb.Latest(), aimdb.Remote())
	alarm, valve := register[bool](t, db, "power::alarm", aimdb.Latest(), aimdb.Remote()), register[string](t, db, "heating::valve", aimdb.Latest(), aimdb.Remote())
	for _, err := range []error{
		aimdb.Join2(meters[0], meters[1], total, sum),
		aimdb.Map(outdoor, celsius, func(s stamped) float64 { return s.Celsius }),
		aimdb.Map(total, cost, func(v float64) float64 { return math.Round(31*v) / 100 }),
		aimdb.Map(total, alarm, func(v float64) bool { return v > 90 }),
		aimdb.Join2(meters[2], celsius, demand, sum),
		aimdb.Map(demand, valve, func(v float64) string { return fmt.Sprintf("%.0f %%", min(v, 100)) }),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return meters
}

func register[T any](t *testing.T, db *aimdb.DB, key string, opts ...aimdb.RecordOption) *aimdb.Record[T] {
	t.Helper()
	r, err := aimdb.Register[T](db, key, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sum makes a value of each value of the first record.
func sum() (a, b aimdb.TransformFunc[float64, float64]) {
	var other float64
	a = func(_ context.Context, v float64, emit func(float64) error) error {
		return emit(math.Round(100*(v+other)) / 100)
	}
	b = func(_ context.Context, v float64, _ func(float64) error) error { other = v; return nil }
	return a, b
}
