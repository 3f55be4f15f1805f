package cluster_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/natstest"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

// run runs a republisher until the test ends.
func run(t *testing.T, r *bus.Republisher) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("republisher: %v", err)
		}
	})
}

// A purge of an idle log is noticed by a sink that had not read all of it, although no
// later message shows it.
func TestIdleLogPurged(t *testing.T) {
	t.Parallel()
	s := natstest.Start(t, natstest.Options{})
	log, err := open(t, at(s), bus.Config{Name: "db"})
	if err != nil {
		t.Fatal(err)
	}
	reg := records.NewRegistry(records.RegistryOptions{})
	t.Cleanup(reg.Close)
	r, err := records.Register[value](reg, "a", records.Config{Kind: records.Ring, Capacity: 64, Logged: true, Lossless: []string{records.LogReader}})
	if err != nil {
		t.Fatal(err)
	}
	run(t, log.Republisher(reg))
	const n = 30_000 // more than the consumer reads ahead
	for i := range n {
		if err := r.Send(t.Context(), value{i}); err != nil {
			t.Fatal(err)
		}
	}
	last, err := log.Flush(t.Context(), reg)
	if err != nil {
		t.Fatal(err)
	}
	c, err := log.Consumer(t.Context(), "sink", history.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	values, missing := 0, uint64(0)
	msgs := make([]bus.Message, 100)
	for at := uint64(0); at < last; {
		k, err := c.Next(t.Context(), msgs, 1<<20, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if at == 0 {
			purge(t, s)
		}
		for _, m := range msgs[:k] {
			at = m.Sequence
			switch {
			case m.Loss != nil && m.Loss.Cause == loss.LogDiscarded:
				missing += m.Loss.Count
			case !m.Marker:
				values++
			}
		}
	}
	if missing == 0 || values+int(missing) != n {
		t.Errorf("%d values and %d missing, want %d in all", values, missing, n)
	}
}

func purge(t *testing.T, s *natstest.Server) {
	t.Helper()
	js, err := jetstream.New(s.Connect())
	if err != nil {
		t.Fatal(err)
	}
	log, err := js.Stream(t.Context(), "AIMDB_db")
	if err == nil {
		err = log.Purge(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}
