package bus

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// leaderless has no stream until it was asked a number of times.
type leaderless struct {
	jetstream.JetStream
	until int
}

func (l *leaderless) Stream(context.Context, string) (jetstream.Stream, error) {
	if l.until--; l.until < 0 {
		return nil, nil
	}
	return nil, nats.ErrNoResponders
}

// A stream that has no leader for a while is waited for, and one that has none for long is
// given up.
func TestWaitForALeader(t *testing.T) {
	for name, c := range map[string]struct {
		until int
		took  time.Duration
		fails string
	}{
		"at once":       {0, 0, ""},
		"after a while": {50, 10 * time.Second, ""},
		"never":         {1e6, 30 * time.Second, "no server has answered for the stream AIMDB_hub for 30s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				_, err := askLeader(t.Context(), &leaderless{until: c.until}, Config{Logger: slog.New(slog.DiscardHandler)}, "AIMDB_hub")
				if took := time.Since(begun); took < c.took || took > c.took+time.Second {
					t.Errorf("it waited for %v, want %v", took, c.took)
				}
				if c.fails == "" && err != nil || c.fails != "" && (!errors.Is(err, nats.ErrNoResponders) || !strings.Contains(err.Error(), c.fails)) {
					t.Errorf("got %v, want %q", err, c.fails)
				}
			})
		})
	}
}
