package bus

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// A server that ends by itself ends Run with an error, and nothing that waits
// for it hangs.
func TestRunEndsWithAnErrorWhenTheServerStops(t *testing.T) {
	b := open(t, setup{Dir: t.TempDir()})
	reg := registry(t)
	r := register(t, reg, "temp::vienna", records.Config{Kind: records.Ring, Capacity: 100, Logged: true})
	rep := b.Republisher(reg)
	rep.Drain = 1 // what cannot be drained must not be waited for here
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
		t.Fatal("Run goes on without a server")
	}
	r.Produce(reading{2}) // never blocks, whatever has ended
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

// The end of a republisher that cannot bring anything to the log is that of the
// whole shutdown, if it was told of it, and not one of its own.
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
		t.Fatal("the republisher goes on behind the deadline")
	}
}
