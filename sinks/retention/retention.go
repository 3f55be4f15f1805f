package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// Config says what stays, and how often a sweep runs.
type Config struct {
	Policies []history.Policy
	// MaxBytes bounds the whole history on disk; 0 is no limit.
	MaxBytes int64
	// Every is the time between sweeps, an hour if it is 0. Each one is up to
	// a tenth longer or shorter, so that many databases do not sweep at once.
	Every time.Duration
	// Now is the clock that ages are relative to, time.Now if it is nil.
	Now func() time.Time
	// ClockOK says that the clock is right however far it has advanced since the
	// last sweep.
	ClockOK bool
	// Logger gets a line for each sweep that deleted something or failed, and for
	// each record that was held. The default logs nothing.
	Logger *slog.Logger
}

// Retention prunes a history from time to time.
type Retention struct {
	pruner history.Pruner
	config Config // without limits, which keep has
	// keep is replaced as a whole, and wake gets a value then.
	keep atomic.Pointer[limits]
	wake chan struct{}

	// reference is a time that is known to have come, as of since.
	mu        sync.Mutex
	reference time.Time
	since     time.Time
	counts    Counts // with mu
}

// New checks the policies.
func New(p history.Pruner, c Config) (*Retention, error) {
	if c.Every < 0 {
		return nil, errors.New("an interval of retention is negative; 0 is the default")
	}
	if c.Every == 0 {
		c.Every = time.Hour
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	r := &Retention{pruner: p, config: c, wake: make(chan struct{}, 1)}
	if err := r.Replace(c.Policies, c.MaxBytes); err != nil {
		return nil, err
	}
	<-r.wake // Run begins with a sweep
	return r, nil
}

// Replace puts other limits in the place of Config.Policies and MaxBytes, and has Run sweep
// by them soon. An error leaves the old ones in force.
func (r *Retention) Replace(policies []history.Policy, maxBytes int64) error {
	keep := &limits{policies, maxBytes}
	if err := keep.validate(); err != nil {
		return err
	}
	r.keep.Store(keep)
	select {
	case r.wake <- struct{}{}:
	default: // a sweep is due already
	}
	return nil
}

// Run sweeps until the context ends, and then returns nil.
func (r *Retention) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-r.wake:
		}
		r.sweepAndLog(ctx)
		timer.Reset(jitter(r.config.Every))
	}
}

func jitter(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()-0.5)/5*float64(d))
}

func (r *Retention) sweepAndLog(ctx context.Context) {
	began := time.Now()
	report, err := r.Sweep(ctx)
	r.count(report, err)
	log := r.config.Logger
	switch {
	case err != nil && ctx.Err() != nil:
		// The rest waits for the next start.
	case err != nil:
		log.Error("pruning the history failed; it is tried again at the next sweep", "error", err, "rows", report.Rows)
	case report.Rows > 0 || report.OverBytes > 0:
		log.Info("pruned the history", "rows", report.Rows, "bytes", report.Bytes,
			"freed_bytes", report.FreedBytes, "over_bytes", report.OverBytes, "took", time.Since(began))
	}
	for _, held := range report.Held {
		log.Warn("rows stay that only the clock makes too old; see whether it is right, and then prune with --clock-ok, or wait until they are old enough without it",
			"record", held.Record, "rows", held.Rows)
	}
}

// Sweep prunes once.
func (r *Retention) Sweep(ctx context.Context) (history.PruneReport, error) {
	keep := r.keep.Load()
	plan, err := r.plan(ctx, keep)
	if err != nil {
		return history.PruneReport{}, err
	}
	report, err := r.pruner.Prune(ctx, plan)
	if err == nil && len(report.Held) == 0 {
		r.trust(time.UnixMilli(plan.Now))
	}
	return report, err
}

// DryRun reports what a sweep would delete now.
func (r *Retention) DryRun(ctx context.Context) (history.PruneReport, error) {
	return r.preview(ctx, r.keep.Load())
}

// DryRunWith is DryRun with other limits in the place of those in force.
func (r *Retention) DryRunWith(ctx context.Context, policies []history.Policy, maxBytes int64) (history.PruneReport, error) {
	keep := &limits{policies, maxBytes}
	if err := keep.validate(); err != nil {
		return history.PruneReport{}, err
	}
	return r.preview(ctx, keep)
}

func (r *Retention) preview(ctx context.Context, keep *limits) (history.PruneReport, error) {
	plan, err := r.plan(ctx, keep)
	if err != nil {
		return history.PruneReport{}, err
	}
	return r.pruner.Preview(ctx, plan)
}

// Plan applies the policies to the records that there are.
func (r *Retention) Plan(ctx context.Context) (history.PrunePlan, error) {
	return r.plan(ctx, r.keep.Load())
}

func (r *Retention) plan(ctx context.Context, keep *limits) (history.PrunePlan, error) {
	names, err := r.pruner.Records(ctx)
	if err != nil {
		return history.PrunePlan{}, fmt.Errorf("plan the retention: %w", err)
	}
	now := r.config.Now()
	trusted, err := r.trusted(ctx, now)
	if err != nil {
		return history.PrunePlan{}, fmt.Errorf("plan the retention: %w", err)
	}
	plan := history.PrunePlan{MaxBytes: keep.maxBytes, Now: now.UnixMilli(), Trusted: trusted.UnixMilli()}
	for _, name := range names {
		if policy, found := choose(keep.policies, name); found {
			plan.Keep = append(plan.Keep, policy.Keep(name, now))
		}
	}
	return plan, nil
}
