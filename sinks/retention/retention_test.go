package retention_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks/retention"
)

// sweeps notes what it is asked to do, and fails while it has errors.
type sweeps struct {
	names   []string
	trusted int64
	held    []history.HeldRecord
	mu      sync.Mutex
	times   []time.Time
	plans   []history.PrunePlan
	errs    []error
}

func (s *sweeps) TrustedTime(context.Context) (int64, error) { return s.trusted, nil }

func (s *sweeps) Records(context.Context) ([]string, error) { return s.names, nil }

func (s *sweeps) Prune(_ context.Context, p history.PrunePlan) (history.PruneReport, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plans = append(s.plans, p)
	s.times = append(s.times, time.Now())
	if len(s.errs) > 0 {
		err := s.errs[0]
		s.errs = s.errs[1:]
		return history.PruneReport{}, err
	}
	return history.PruneReport{Held: s.held}, nil
}

func (s *sweeps) Preview(_ context.Context, p history.PrunePlan) (history.PruneReport, error) {
	return history.PruneReport{Rows: int64(len(p.Keep))}, nil
}

// seen returns the plans so far.
func (s *sweeps) seen() []history.PrunePlan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.plans)
}

func pattern(t *testing.T, text string) key.Pattern {
	t.Helper()
	p, err := key.ParsePattern(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestMostSpecificPatternWins(t *testing.T) {
	s := &sweeps{names: []string{"a::b", "a::c", "a::c.d", "x", "x.y"}}
	r, err := retention.New(s, retention.Config{
		Now: func() time.Time { return time.UnixMilli(1_000_000) },
		Policies: []history.Policy{
			{Pattern: pattern(t, "a.#"), MaxRows: 1},
			{Pattern: pattern(t, "a.*"), MaxAge: 400 * time.Second},
			{Pattern: pattern(t, "a::b"), Forever: true},
			{Pattern: pattern(t, "*.y"), MaxRows: 5},
			{Pattern: pattern(t, "a.#"), MaxRows: 9},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := r.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []history.Keep{
		{Record: "a::b", Forever: true}, {Record: "a::c", Before: 600_000}, {Record: "a::c.d", MaxRows: 1}, {Record: "x.y", MaxRows: 5},
	}
	if fmt.Sprint(plan.Keep) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", plan.Keep, want)
	}
	if report, err := r.DryRun(t.Context()); err != nil || report.Rows != 4 || len(s.seen()) > 0 {
		t.Errorf("dry run: %+v, %v, %d sweeps", report, err, len(s.seen()))
	}
}

func TestPoliciesThatCannotBeMeant(t *testing.T) {
	all := pattern(t, "#")
	for i, p := range []history.Policy{
		{MaxRows: 1}, {Pattern: all}, {Pattern: all, MaxRows: -1}, {Pattern: all, Forever: true, MaxAge: time.Hour},
	} {
		if _, err := retention.New(&sweeps{}, retention.Config{Policies: []history.Policy{p}}); err == nil {
			t.Errorf("policy %d was accepted", i)
		}
	}
}

func TestRunSweepsAtStartAndGoesOnAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sweeps{names: []string{"a"}, errs: []error{errors.New("disk full")}}
		r, err := retention.New(s, retention.Config{Every: time.Hour, Policies: []history.Policy{{Pattern: pattern(t, "#"), MaxAge: time.Hour}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		synctest.Wait()
		if len(s.seen()) != 1 {
			t.Errorf("%d sweeps at start", len(s.seen()))
		}
		time.Sleep(50 * time.Minute)
		if len(s.seen()) != 1 {
			t.Errorf("%d sweeps before the interval", len(s.seen()))
		}
		time.Sleep(10 * time.Hour)
		synctest.Wait()
		if n := len(s.seen()); n < 10 || n > 13 {
			t.Errorf("%d sweeps in eleven hours", n)
		}
		if first, last := s.seen()[0].Keep[0].Before, s.seen()[len(s.seen())-1].Keep[0].Before; last-first < 9*3600_000 {
			t.Errorf("the ages stand still: %d to %d", first, last)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// Databases that are started together do not sweep together for ever: the
// intervals differ, by a tenth at most, to both sides.
func TestIntervalsAreJittered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sweeps{names: []string{"a"}}
		r, err := retention.New(s, retention.Config{Every: time.Hour, Policies: []history.Policy{{Pattern: pattern(t, "#"), MaxAge: time.Hour}}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		time.Sleep(100 * time.Hour)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		different := map[time.Duration]bool{}
		shortest, longest := time.Hour, time.Hour
		for i := 1; i < len(s.times); i++ {
			d := s.times[i].Sub(s.times[i-1])
			different[d] = true
			shortest, longest = min(shortest, d), max(longest, d)
		}
		if len(different) < 50 || shortest < 54*time.Minute || longest > 66*time.Minute || shortest > 58*time.Minute || longest < 62*time.Minute {
			t.Errorf("%d different intervals of %d, from %v to %v", len(different), len(s.times)-1, shortest, longest)
		}
	})
}

// What a plan trusts: the last sweep and the time that has passed since, until a
// sweep held nothing.
func TestPlansDoNotTrustAClockThatJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		jump := time.Duration(0)
		clock := func() time.Time { return time.Now().Add(jump) }
		s := &sweeps{names: []string{"a"}, trusted: time.Now().Add(-40 * day).UnixMilli()}
		config := retention.Config{Now: clock, Policies: []history.Policy{{Pattern: pattern(t, "#"), MaxAge: 30 * day}}}
		r, err := retention.New(s, config)
		if err != nil {
			t.Fatal(err)
		}
		doubt := func() time.Duration { // after one more sweep
			t.Helper()
			if _, err := r.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			plan := s.plans[len(s.plans)-1]
			if plan.Now != clock().UnixMilli() || plan.Keep[0].Before != clock().Add(-30*day).UnixMilli() {
				t.Errorf("plan %+v", plan)
			}
			return time.Duration(plan.Now-plan.Trusted) * time.Millisecond
		}
		s.held = []history.HeldRecord{{Record: "a", Rows: 1}}
		for range 2 { // as long as a record is held
			if d := doubt(); d != 40*day {
				t.Errorf("after 40 days in doubt the plan trusts all but %v", d)
			}
			time.Sleep(day)
		}
		s.held = nil
		if d := doubt(); d != 40*day {
			t.Errorf("two days later it trusts all but %v", d)
		}
		time.Sleep(day)
		if d := doubt(); d != 0 {
			t.Errorf("after a sweep that held nothing it trusts all but %v", d)
		}
		time.Sleep(time.Hour)
		if jump = history.ClockTolerance; doubt() != 0 {
			t.Error("a small step of the clock is not trusted")
		}
		if jump = 1000 * day; doubt() != 1000*day-history.ClockTolerance {
			t.Error("a clock that jumps while the process runs is trusted")
		}
		if jump = -1000 * day; doubt() != 0 {
			t.Error("a clock that was set back removes nothing, and is not trusted")
		}
		jump, config.ClockOK = 2000*day, true
		if r, err = retention.New(s, config); err != nil {
			t.Fatal(err)
		}
		if doubt() != 0 {
			t.Error("told that the clock is right, it does not trust it")
		}
	})
}
