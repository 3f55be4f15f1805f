package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/records"
	"github.com/aimdb-go/aimdb/sinks/pump"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// A real log that overruns rings, discards what the history has not read, and is started
// again, has no hole that nobody knew.
func TestARealLogHasNoHoles(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	path := filepath.Join(dir, "history.db")
	lost := false
	for range 12 {
		rounds, pumped := 1+random.IntN(4), random.IntN(3) > 0
		s, stop := startStop(t, path)
		pumpedDay(t, filepath.Join(dir, "log"), s, rounds, pumped, random)
		v := verify(t, s)
		if len(v.Holes)+len(v.Damaged)+len(v.Problems) > 0 {
			t.Fatalf("%+v", v)
		}
		for range s.Losses(t.Context()) {
			lost = true
		}
		stop()
	}
	if !lost {
		t.Error("nothing was lost, so nothing was tested")
	}
}

// pumpedDay starts a log, produces values in rounds, and stops it. Without a pump they stay
// in the log, as far as it keeps them.
func pumpedDay(t *testing.T, dir string, s *sqlite.Store, rounds int, pumped bool, random *rand.Rand) {
	t.Helper()
	server, err := natsd.Open(natsd.Config{Name: "test", Dir: dir, Stream: bus.StreamName("test"), Subjects: bus.ReadSubjects("test"), MaxMessage: bus.DefaultMaxMessage})
	if err != nil {
		t.Fatal(err)
	}
	b, err := bus.Open(t.Context(), server, bus.Config{Name: "test", MaxBytes: 64 << 10, MaxValue: 1000, Publisher: func() bus.Publisher { return server.Publisher() }})
	if err != nil {
		t.Fatal(errors.Join(err, server.Close()))
	}
	reg := records.NewRegistry(records.RegistryOptions{})
	var all []*records.Record[string]
	for i := range 3 {
		r, err := records.Register[string](reg, fmt.Sprint("r", i), records.Config{Kind: records.Ring, Capacity: 64, Logged: true})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done, running := make(chan error, 2), 1
	republisher := b.Republisher(reg)
	go func() { done <- republisher.Run(ctx) }()
	var p *pump.Pump
	if pumped {
		if p, err = pump.New(pump.Config{Source: pump.FromBus(b), Sink: s}); err != nil {
			t.Fatal(err)
		}
		running++
		go func() { done <- p.Run(ctx) }()
	}
	for range rounds {
		for range 1 + random.IntN(600) {
			all[random.IntN(len(all))].Produce(string(make([]byte, random.IntN(250)))) // 6 bytes each in JSON
		}
		last, err := b.Flush(t.Context(), reg)
		if err == nil && pumped {
			err = p.WaitStored(t.Context(), last)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	for range running {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	reg.Close()
	if err := errors.Join(b.Close(), server.Close()); err != nil {
		t.Fatal(err)
	}
}
