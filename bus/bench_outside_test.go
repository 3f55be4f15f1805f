package bus

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/bus/cluster"
	"github.com/aimdb-go/aimdb/internal/natstest"
	"github.com/aimdb-go/aimdb/records"
)

// load is a log and the records that are written to it.
type load struct {
	bus     *Bus
	reg     *records.Registry
	records []*records.Record[measurement]
}

func newLoad(b *testing.B, log testBus, n int) *load {
	b.Helper()
	l := &load{bus: log.Bus, reg: registry(b)}
	for i := range n {
		r, err := records.Register[measurement](l.reg, fmt.Sprintf("temp::city%d", i), records.Config{
			Kind: records.Ring, Capacity: 1024, Logged: true, Remote: true, Lossless: []string{records.LogReader},
		})
		if err != nil {
			b.Fatal(err)
		}
		l.records = append(l.records, r)
	}
	republish(b, log, l.reg)
	return l
}

// run logs values and returns how long that took.
func (l *load) run(b *testing.B, values int) time.Duration {
	b.Helper()
	begin := time.Now()
	for i := range values {
		if err := l.records[i%len(l.records)].Send(b.Context(), sample(i)); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := l.bus.Flush(b.Context(), l.reg); err != nil {
		b.Fatal(err)
	}
	return time.Since(begin)
}

// onServers opens a log on servers that other processes run.
func onServers(b *testing.B, urls []string, replicas int) testBus {
	b.Helper()
	server, err := cluster.Open(b.Context(), cluster.Config{URLs: urls}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	log, err := Open(b.Context(), server, Config{Name: "test", Shared: true, Replicas: replicas, Logger: quiet()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := log.Close(); err != nil {
			b.Error(err)
		}
	})
	return testBus{Bus: log}
}

// BenchmarkOutside does the same work on an outside server on loopback and on the
// embedded one, in turn. x-embedded is the rate of the first as a part of the second.
func BenchmarkOutside(b *testing.B) {
	const values = 50_000
	s := natstest.Start(b, natstest.Options{})
	outside := newLoad(b, onServers(b, []string{s.URL}, 1), 100)
	embedded := newLoad(b, open(b, setup{Config: Config{Logger: quiet()}, Dir: b.TempDir()}), 100)
	outside.run(b, values)
	embedded.run(b, values)
	var there, here time.Duration
	b.ResetTimer()
	for range b.N {
		there += outside.run(b, values)
		here += embedded.run(b, values)
	}
	b.ReportMetric(float64(b.N*values)/there.Seconds(), "outside-msgs/s")
	b.ReportMetric(float64(b.N*values)/here.Seconds(), "embedded-msgs/s")
	b.ReportMetric(here.Seconds()/there.Seconds(), "x-embedded")
}

// BenchmarkReplicated is one producer that waits for each value, on three servers that
// keep three replicas, in turn with a bare synchronous publish to the same servers.
func BenchmarkReplicated(b *testing.B) {
	c := natstest.StartCluster(b, natstest.Options{})
	log := onServers(b, c.URLs(), 3)
	l := newLoad(b, log, 1)
	js, err := jetstream.New(log.nc)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "BARE", Subjects: []string{"bare.>"}, Replicas: 3}); err != nil {
		b.Fatal(err)
	}
	var ours, bare []time.Duration
	b.ResetTimer()
	for i := range b.N {
		begin := time.Now()
		if err := l.records[0].ProduceLogged(b.Context(), sample(i)); err != nil {
			b.Fatal(err)
		}
		ours = append(ours, time.Since(begin))
		begin = time.Now()
		if _, err := js.Publish(b.Context(), "bare.a", payload); err != nil {
			b.Fatal(err)
		}
		bare = append(bare, time.Since(begin))
	}
	for name, all := range map[string][]time.Duration{"log": ours, "bare": bare} {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), name+"-p50-us")
		b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), name+"-p99-us")
	}
}
