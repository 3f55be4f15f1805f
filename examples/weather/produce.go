package weather

import (
	"context"
	"fmt"
	"time"

	"github.com/aimdb-go/aimdb"
)

// flushEvery bounds the steps between the source and the history at full speed.
// The log is bounded and discards what exceeds its limit.
const flushEvery = 256

// produce is the source of the steps.
func (h *hub) produce(ctx context.Context, emit func(Step) error) error {
	select {
	case <-h.greeted:
	case <-ctx.Done():
		return ctx.Err()
	}
	if h.options.Steps == 0 {
		h.enter(HistoryOnly, "Serving history only.")
		return nil
	}
	if h.plan.Load() == nil {
		if err := h.resume(ctx); err != nil {
			return err
		}
	}
	p := h.plan.Load()
	if h.next < len(p.Steps) {
		h.enter(Producing, "")
	}
	end := len(p.Steps)
	if h.options.Steps > 0 {
		end = min(end, h.options.Steps)
	}
	if err := h.emit(ctx, p.Steps[:end], emit); err != nil {
		return err
	}
	if end > 0 {
		if err := h.settle(ctx, p.Steps[end-1]); err != nil {
			return err
		}
	}
	if end < len(p.Steps) {
		h.enter(Stopped, fmt.Sprintf("Stopped after %d steps, at %s; serving on.", end, stamp(p.Steps[end-1].ValidAt)))
		return nil
	}
	h.enter(Ended, fmt.Sprintf("The data ends at %s; serving on.", stamp(describe(h.cities, 0).DataEnd)))
	return nil
}

// resume makes the plan. It first stores what an earlier run left in the log.
// Otherwise those values would be produced a second time.
func (h *hub) resume(ctx context.Context) error {
	if err := h.db.Flush(ctx); err != nil {
		return fmt.Errorf("storing what an earlier run left in the log: %w", err)
	}
	rows, err := aimdb.QueryLatest[ForecastValidation](ctx, h.db, "accuracy::*", 1)
	if err != nil {
		return fmt.Errorf("reading the last validations from history: %w", err)
	}
	last := make([]ForecastValidation, len(rows))
	for i, r := range rows {
		last[i] = r.Value
	}
	p := NewPlan(h.cities, last)
	if !p.Last.IsZero() {
		h.say("History reaches to %s; continuing after it.\n", stamp(p.Last))
	}
	h.plan.Store(&p)
	return nil
}

// emit emits the steps at the pace, from the next one on.
func (h *hub) emit(ctx context.Context, steps []Step, emit func(Step) error) error {
	pace := newPacer(h.options.Pace)
	defer pace.stop()
	for ; h.next < len(steps); h.next++ {
		if err := pace.wait(ctx); err != nil {
			return err
		}
		if err := emit(steps[h.next]); err != nil {
			return err
		}
		if h.options.Pace == 0 && h.next%flushEvery == flushEvery-1 {
			if err := h.settle(ctx, steps[h.next]); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle returns when all validations up to a step are stored.
func (h *hub) settle(ctx context.Context, s Step) error {
	if err := h.progress.wait(ctx, s); err != nil {
		return err
	}
	if err := h.db.Flush(ctx); err != nil {
		return fmt.Errorf("storing the validations up to %s: %w", stamp(s.ValidAt), err)
	}
	return nil
}

// enter publishes the phase and writes the words, if any.
func (h *hub) enter(p Phase, words string) {
	a := describe(h.cities, h.options.Pace)
	a.Phase = p
	h.about.Produce(a)
	if words != "" {
		h.say("%s\n", words)
	}
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }
