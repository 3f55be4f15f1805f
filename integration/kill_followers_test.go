package integration

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
)

// Clients that follow get each value of a server once and in order, however often it is
// killed.
func TestKillUnderFollowers(t *testing.T) {
	t.Parallel()
	followers := 20
	if soaking() {
		followers = 100
	}
	dir := t.TempDir()
	w := startWriter(t, dir, dir, "served")
	w.awaitAck(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var target atomic.Pointer[map[string]int] // of the last server, when it is known
	var work sync.WaitGroup
	var cuts atomic.Int64
	for i := range followers {
		client, err := aimx.Dial(ctx, filepath.Join(dir, "s"))
		if err != nil {
			t.Fatal(err)
		}
		work.Go(func() {
			defer client.Close()
			if err := followWriter(ctx, client, &target, &cuts); err != nil {
				t.Errorf("follower %d: %v", i, err)
			}
		})
	}
	acked := map[string]int{}
	for range rounds(t, 6/slower) {
		<-time.After(time.Duration(rand.IntN(1500)) * time.Millisecond) // the moment of the kill
		if err := w.signal(syscall.SIGKILL); err == nil {
			t.Fatalf("the writer ended by itself:\n%s", w.stderr.String())
		}
		w.merge(acked)
		w = startWriter(t, dir, dir, "served")
		w.awaitAck(t)
	}
	w.mu.Lock()
	last := maps.Clone(acked)
	for _, key := range writerKeys() { // something of the last server too
		last[key] = max(last[key], w.acked[key]) + 1
	}
	w.mu.Unlock()
	target.Store(&last)
	work.Wait()
	if t.Logf("%v values, %d cuts", last, cuts.Load()); cuts.Load() < int64(followers) {
		t.Errorf("%d cuts were noticed by %d followers", cuts.Load(), followers)
	}
}

// followWriter checks that each record counts up from 1, until all have reached the target.
func followWriter(ctx context.Context, client *aimx.Client, target *atomic.Pointer[map[string]int], cuts *atomic.Int64) error {
	got := map[string]int{}
	for e, err := range aimx.Follow[numbered](ctx, client, "n::*", aimx.FromTime(0)) {
		switch {
		case err != nil:
			return err
		case e.Cut != nil:
			cuts.Add(1)
		case e.Begin != nil && e.Begin.Reason != "":
			return fmt.Errorf("it fell back: %s", e.Begin.Reason)
		case e.Begin != nil || e.CaughtUp:
		default:
			if got[e.Record]++; e.Value.N != got[e.Record] || e.Lost > 0 || e.Loss != nil {
				return fmt.Errorf("got %+v of %s, want %d", e, e.Record, got[e.Record])
			}
		}
		if last := target.Load(); last != nil && reached(got, *last) {
			return nil
		}
	}
	return fmt.Errorf("it ended at %v", got)
}

func reached(got, want map[string]int) bool {
	for key, n := range want {
		if got[key] < n {
			return false
		}
	}
	return true
}
