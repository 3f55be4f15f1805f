package integration

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
)

// The benchmarks of the whole database measure a reference and the database in
// turn, in one process, and report the ratio. Rates and times stand beside it
// and say as much about the machine as about the code.

// turns is how often each side is measured at least; medians are reported.
const turns = 5

// sample is the value of the benchmarks, about 140 bytes of JSON.
type sample struct {
	City     string  `json:"city"`
	Station  string  `json:"station"`
	Celsius  float64 `json:"celsius"`
	Humidity int     `json:"humidity"`
	At       string  `json:"at"`
	N        int     `json:"n"`
}

func sampled(n int) sample {
	return sample{"Vienna", "Hohe Warte, 198 m above the sea", 21.5, 63, "2015-01-01T00:00:00Z", 1_000_000 + n}
}

// inTurns reports the rate of the candidate as a part of each reference's. All
// do the same number of things each time. Beside it stands the processor time
// of the candidate as a multiple of the reference's: a machine that is busy
// with something else changes that less.
func inTurns(b *testing.B, things int, unit string, candidate func(), yardsticks ...yardstick) {
	b.Helper()
	rates := map[string][]float64{}
	for b.Loop() {
		for range turns {
			var bare []cost
			for _, r := range yardsticks {
				bare = append(bare, costOf(b, r.run))
			}
			ours := costOf(b, candidate)
			for i, r := range yardsticks {
				rates["x-"+r.name] = append(rates["x-"+r.name], bare[i].time/ours.time)
				rates["cpu-x-"+r.name] = append(rates["cpu-x-"+r.name], ours.processor/bare[i].processor)
			}
			rates[unit] = append(rates[unit], float64(things)/ours.time)
			rates["cpu-us/value"] = append(rates["cpu-us/value"], ours.processor/float64(things)*1e6)
		}
	}
	b.ReportMetric(0, "ns/op") // a turn is no operation
	for unit, values := range rates {
		b.ReportMetric(median(values), unit)
	}
}

// yardstick is what a candidate is compared with.
type yardstick struct {
	name string
	run  func()
}

// cost is what something took, in seconds. The processor time is that of this process and
// of the PostgreSQL server.
type cost struct{ time, processor float64 }

func costOf(b *testing.B, f func()) cost {
	before, err := processorTime()
	if err != nil {
		b.Fatal(err)
	}
	servers := postgresServer.Processor()
	took := timed(f)
	after, err := processorTime()
	if err != nil {
		b.Fatal(err)
	}
	for pid, used := range postgresServer.Processor() {
		after += used - servers[pid]
	}
	return cost{took.Seconds(), (after - before).Seconds()}
}

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func median(values []float64) float64 { return quantile(values, 0.5) }

func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// served is a running database with its records.
type served struct {
	*aimdb.DB
	records []*aimdb.Record[sample]
	// value is what send sends.
	value func(n int) sample
	// took is the time from opening the history to being ready.
	took time.Duration
	stop func() error
}

// serve starts a database in a directory, with a number of equal records.
func serve(dir string, count int, record []aimdb.RecordOption, opts ...aimdb.Option) (*served, error) {
	return serveOn(dir, dir, count, record, opts...)
}

// serveOn is serve with the history elsewhere.
func serveOn(history, dir string, count int, record []aimdb.RecordOption, opts ...aimdb.Option) (*served, error) {
	start := time.Now()
	store, err := openBackend(context.Background(), history, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	opts = append([]aimdb.Option{aimdb.Name("bench"), aimdb.Dir(dir), aimdb.WithPersistence(store, 0)}, opts...)
	db, err := aimdb.New(opts...)
	if err != nil {
		return nil, err
	}
	s := &served{DB: db, value: sampled}
	for i := range count {
		r, err := aimdb.Register[sample](db, fmt.Sprintf("plant.line%d::sensor%d", i/100, i), record...)
		if err != nil {
			return nil, err
		}
		s.records = append(s.records, r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	s.stop = func() error { cancel(); return <-done }
	select {
	case <-db.Ready():
		s.took = time.Since(start)
		return s, nil
	case err := <-done:
		cancel()
		return nil, fmt.Errorf("the database did not start: %w", err)
	}
}

// serveFor is serve for the time of a benchmark.
func serveFor(b *testing.B, count int, record []aimdb.RecordOption, opts ...aimdb.Option) *served {
	b.Helper()
	dir := b.TempDir()
	return serveForOn(b, dir, dir, count, record, opts...)
}

// serveForOn is serveOn for the time of a benchmark.
func serveForOn(b *testing.B, history, dir string, count int, record []aimdb.RecordOption, opts ...aimdb.Option) *served {
	b.Helper()
	s, err := serveOn(history, dir, count, record, opts...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.stop(); err != nil {
			b.Errorf("Run: %v", err)
		}
	})
	return s
}

// lossless are the options of a record whose values all reach the history.
func lossless(more ...aimdb.RecordOption) []aimdb.RecordOption {
	return append([]aimdb.RecordOption{aimdb.Ring(256), aimdb.Persist(), aimdb.Lossless(aimdb.LogReader)}, more...)
}
