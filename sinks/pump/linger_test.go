package pump_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimdb-go/aimdb/sinks/memory"
	"github.com/aimdb-go/aimdb/sinks/pump"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// TestLingerAdapts runs in a synctest bubble, so that waiting times are exact.
func TestLingerAdapts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := sinktest.NewLog("log"), &memory.Sink{}
		p := run(t, pump.Config{Source: l, Sink: s})
		last := uint64(0)
		// put adds n values each millisecond and returns the number of batches and the
		// longest wait of a value.
		put := func(n, milliseconds int) (batches int, longest time.Duration) {
			had := s.Batches()
			waits := make(chan time.Duration, milliseconds)
			for range milliseconds {
				l.Add(values(n)...)
				last += uint64(n)
				began, sequence := time.Now(), last
				go func() {
					if err := p.WaitStored(t.Context(), sequence); err != nil {
						t.Error(err)
					}
					waits <- time.Since(began)
				}()
				time.Sleep(time.Millisecond)
			}
			for range milliseconds {
				longest = max(longest, <-waits)
			}
			return s.Batches() - had, longest
		}
		quiet := func() { time.Sleep(time.Second) }

		for range 3 {
			quiet()
			if batches, wait := put(1, 1); batches != 1 || wait != 0 {
				t.Errorf("a lone value took %d batches and waited %v", batches, wait)
			}
		}
		quiet()
		if batches, wait := put(1, 200); batches < 30 || batches > 60 || wait > 5*time.Millisecond {
			t.Errorf("a value a millisecond: %d batches of 200 values, the longest wait was %v", batches, wait)
		}
		quiet()
		if batches, wait := put(200, 400); batches > 30 || wait > pump.DefaultLinger+5*time.Millisecond {
			t.Errorf("a flood: %d batches of %d values, the longest wait was %v", batches, 200*400, wait)
		}
		quiet()
		if batches, wait := put(1, 200); batches < 30 || wait > pump.DefaultLinger+5*time.Millisecond {
			t.Errorf("after the flood: %d batches of 200 values, the longest wait was %v", batches, wait)
		}
		quiet()
		if _, wait := put(1, 50); wait > 5*time.Millisecond {
			t.Errorf("long after the flood a value waited %v", wait)
		}
	})
}
