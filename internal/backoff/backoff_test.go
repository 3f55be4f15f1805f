package backoff_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimdb-go/aimdb/internal/backoff"
)

func TestPauseDoublesUpToTheLongest(t *testing.T) {
	b := backoff.Backoff{First: 100 * time.Millisecond, Longest: time.Second}
	for n, want := range map[int]time.Duration{
		0: 100 * time.Millisecond, 1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 3: 400 * time.Millisecond,
		4: 800 * time.Millisecond, 5: time.Second, 6: time.Second, math.MaxInt: time.Second,
	} {
		shortest, longest := want, time.Duration(0)
		for range 1000 {
			p := b.Pause(n)
			shortest, longest = min(shortest, p), max(longest, p)
		}
		if shortest < want*3/4 || longest > want {
			t.Errorf("after %d failures the pause is %v to %v, want %v to %v", n, shortest, longest, want*3/4, want)
		}
		if longest-shortest < want/8 {
			t.Errorf("after %d failures all pauses lie between %v and %v", n, shortest, longest)
		}
	}
}

func TestPauseHasNoOverflow(t *testing.T) {
	for _, b := range []backoff.Backoff{
		{},
		{First: -1, Longest: -1},
		{First: time.Hour, Longest: time.Second},
		{First: 1, Longest: math.MaxInt64},
		{First: math.MaxInt64, Longest: math.MaxInt64},
	} {
		for _, n := range []int{-1, 1, 62, 63, 64, math.MaxInt} {
			if p := b.Pause(n); p <= 0 || p > max(b.Longest, time.Millisecond) {
				t.Errorf("%+v after %d failures: %v", b, n, p)
			}
		}
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := backoff.Backoff{First: time.Second, Longest: time.Minute}
		begin := time.Now()
		if err := b.Wait(t.Context(), 1); err != nil || time.Since(begin) < 750*time.Millisecond || time.Since(begin) > time.Second {
			t.Errorf("waited %v: %v", time.Since(begin), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		begin = time.Now()
		if err := b.Wait(ctx, 1); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 100*time.Millisecond {
			t.Errorf("waited %v: %v", time.Since(begin), err)
		}
	})
}
