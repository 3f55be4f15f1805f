package pump_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/records"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/memory"
	"github.com/aimdb-go/aimdb/sinks/pump"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type reading struct {
	City    string  `json:"city"`
	Celsius float64 `json:"celsius"`
	N       int     `json:"n"`
	Source  string  `json:"source"`
	Unit    string  `json:"unit"`
}

// discard is a sink that keeps nothing but its checkpoint.
type discard struct{ at history.Position }

func (d *discard) Name() string                                         { return "discard" }
func (d *discard) Checkpoint(context.Context) (history.Position, error) { return d.at, nil }
func (d *discard) Write(_ context.Context, b *sinks.Batch) error        { d.at = b.Checkpoint; return nil }

type parts struct {
	bus  *bus.Bus
	reg  *records.Registry
	recs []*records.Record[reading]
	pump *pump.Pump
}

// start runs a log, its republisher and, with a sink, a pump.
func start(t testing.TB, dir string, c bus.Config, sink sinks.Sink, n int) *parts {
	t.Helper()
	b, closeLog := openLog(t, dir, c)
	p := &parts{bus: b, reg: records.NewRegistry(records.RegistryOptions{})}
	for i := range n {
		r, err := records.Register[reading](p.reg, fmt.Sprintf("temp::city%d", i), records.Config{
			Kind: records.Ring, Capacity: 1024, Logged: true, Lossless: []string{records.LogReader},
		})
		if err != nil {
			t.Fatal(err)
		}
		p.recs = append(p.recs, r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	rep := b.Republisher(p.reg)
	done := make(chan error, 2)
	go func() { done <- rep.Run(ctx) }()
	running := 1
	if sink != nil {
		var err error
		p.pump, err = pump.New(pump.Config{Source: pump.FromBus(b), Sink: sink})
		if err != nil {
			t.Fatal(err)
		}
		running++
		go func() { done <- p.pump.Run(ctx) }()
	}
	t.Cleanup(func() {
		cancel()
		for range running {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		p.reg.Close()
		if err := closeLog(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func (p *parts) produce(t testing.TB, n int) {
	ctx := within(t)
	for i := range n {
		r := p.recs[i%len(p.recs)]
		if err := r.Send(ctx, reading{"city", 21.5 + float64(i%10), i, "a station of the weather service", "degrees celsius"}); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *parts) flush(t testing.TB) uint64 {
	t.Helper()
	last, err := p.bus.Flush(within(t), p.reg)
	if err != nil {
		t.Fatal(err)
	}
	if p.pump != nil {
		if err := p.pump.WaitStored(within(t), last); err != nil {
			t.Fatal(err)
		}
	}
	return last
}

func TestPipelineStoresEverythingInOrder(t *testing.T) {
	sink := &memory.Sink{}
	p := start(t, t.TempDir(), bus.Config{}, sink, 7)
	const n = 20_000
	p.produce(t, n)
	p.flush(t)
	next := map[string]int{}
	for i, r := range p.recs {
		next[r.Key()] = i
	}
	entries := sink.Entries()
	if len(entries) != n {
		t.Fatalf("%d entries, want %d", len(entries), n)
	}
	for _, e := range entries {
		want := fmt.Sprintf(`"n":%d,`, next[e.Record])
		if !contains(e.Value, want) {
			t.Fatalf("%s: %s, want %s", e.Record, e.Value, want)
		}
		next[e.Record] += len(p.recs)
	}
}

func contains(b []byte, s string) bool {
	for i := 0; i+len(s) <= len(b); i++ {
		if string(b[i:i+len(s)]) == s {
			return true
		}
	}
	return false
}

// BenchmarkLatency measures the time of a value from its record to the commit of a sink
// that costs nothing, at a thousand values a second.
func BenchmarkLatency(b *testing.B) {
	sink := &stopwatch{}
	p := start(b, b.TempDir(), bus.Config{}, sink, 10)
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for i := range b.N {
		<-ticker.C
		p.recs[i%10].Produce(reading{N: int(time.Now().UnixMicro())})
	}
	p.flush(b)
	slices.Sort(sink.took)
	b.ReportMetric(float64(sink.took[len(sink.took)/2])/1000, "ms-median")
	b.ReportMetric(float64(sink.took[len(sink.took)*99/100])/1000, "ms-p99")
}

// stopwatch measures the time from each value to its commit.
type stopwatch struct {
	discard
	took []int64
}

func (s *stopwatch) Write(ctx context.Context, b *sinks.Batch) error {
	now := time.Now().UnixMicro()
	for _, e := range b.Entries {
		var r reading
		if err := json.Unmarshal(e.Value, &r); err != nil {
			return err
		}
		s.took = append(s.took, now-int64(r.N))
	}
	return s.discard.Write(ctx, b)
}

func BenchmarkPipeline(b *testing.B) {
	for _, stage := range []string{"log", "sink"} {
		for _, durable := range []bool{false, true} {
			b.Run(fmt.Sprintf("to=%s/durable=%v", stage, durable), func(b *testing.B) {
				var sink sinks.Sink
				if stage == "sink" {
					sink = &discard{}
				}
				p := start(b, b.TempDir(), bus.Config{Durable: durable}, sink, 100)
				b.ResetTimer()
				p.produce(b, b.N)
				p.flush(b)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "values/s")
			})
		}
	}
}
