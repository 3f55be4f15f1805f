package hub

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/examples/weather"
)

// weatherHub is a weather hub that runs within the test.
type weatherHub struct {
	addresses aimdb.Addresses
	stop      context.CancelFunc
	ended     chan error
}

// startWeather starts a hub and returns when it serves. It is stopped at the end
// of the test, if not before.
func startWeather(t *testing.T, o weather.Options) *weatherHub {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	started := make(chan aimdb.Addresses, 1)
	o.Started = func(a aimdb.Addresses) { started <- a }
	if o.Out == nil {
		o.Out = t.Output()
	}
	h := &weatherHub{stop: stop, ended: make(chan error, 1)}
	go func() { h.ended <- weather.Run(ctx, o) }()
	select {
	case h.addresses = <-started:
	case err := <-h.ended:
		t.Fatalf("the hub did not start: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("the hub did not start within a minute")
	}
	t.Cleanup(func() { h.end(t) })
	return h
}

// end stops the hub, once, and waits for it.
func (h *weatherHub) end(t *testing.T) {
	t.Helper()
	if h.ended == nil {
		return
	}
	h.stop()
	select {
	case err := <-h.ended:
		if err != nil {
			t.Errorf("the hub ended with: %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("the hub did not end within a minute")
	}
	h.ended = nil
}

// awaitPhase returns when the hub says that it is in a phase.
func awaitPhase(t *testing.T, c *aimx.Client, phase weather.Phase) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	w, err := c.Watch(ctx, "hub.*")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for {
		u, err := w.Next(ctx)
		if err != nil {
			t.Fatalf("waiting for the hub to be %s: %v", phase, err)
		}
		if u.Topic == "hub.about" && decoded[weather.About](t, u.Data).Phase == phase {
			return
		}
	}
}

// socket returns a short path for a unix socket; that of a test's directory
// can be longer than a socket's may be.
func socket(t *testing.T) string {
	return filepath.Join(shortDir(t), "hub.sock")
}
