package bus

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// If the server stops by itself, Run returns an error, and nothing that waits for the
// server hangs.
func TestRunEndsWithAnErrorWhenTheServerStops(t *testing.T) {
	b := open(t, setup{Dir: t.TempDir()})
	reg := registry(t)
	r := register(t, reg, "temp::vienna", records.Config{Kind: records.Ring, Capacity: 100, Logged: true})
	rep := b.Republisher(reg)
	rep.Drain = 1 // nothing can be drained here
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	republishing, running := make(chan error, 1), make(chan error, 1)
	go func() { republishing <- rep.Run(ctx) }()
	go func() { running <- b.Run(ctx) }()
	if err := r.ProduceLogged(deadline(t), reading{1}); err != nil {
		t.Fatal(err)
	}
	b.server.NATS().Shutdown()
	select {
	case err := <-running:
		if err == nil || !strings.Contains(err.Error(), "has stopped") {
			t.Errorf("Run: %v, want that the server has stopped", err)
		}
	case <-deadline(t).Done():
		t.Fatal("Run does not end although the server has stopped")
	}
	r.Produce(reading{2}) // never blocks
	cancel()
	select {
	case err := <-republishing:
		if err != nil {
			t.Errorf("republisher: %v", err)
		}
	case <-deadline(t).Done():
		t.Fatal("the republisher hangs without a server")
	}
}

// EndBy replaces the drain time of a republisher whose log takes no values.
func TestRepublisherEndsByTheDeadlineItIsGiven(t *testing.T) {
	b := open(t, setup{Dir: t.TempDir()})
	reg := registry(t)
	r := register(t, reg, "temp::vienna", records.Config{Kind: records.Ring, Capacity: 100, Logged: true})
	rep := b.Republisher(reg)
	rep.Drain = time.Hour
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- rep.Run(ctx) }()
	if err := r.ProduceLogged(deadline(t), reading{1}); err != nil {
		t.Fatal(err)
	}
	b.server.NATS().Shutdown()
	r.Produce(reading{2})
	left, over := context.WithCancel(context.Background())
	rep.EndBy(left)
	cancel()
	over()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("republisher: %v", err)
		}
	case <-deadline(t).Done():
		t.Fatal("the republisher continues after the deadline")
	}
}
