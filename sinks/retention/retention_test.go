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
	names []string
	mu    sync.Mutex
	times []time.Time
	plans []history.PrunePlan
	errs  []error
}

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
	return history.PruneReport{}, nil
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
