package weather

import (
	"context"
	"time"
)

// pacer allows one step per tick, and any number of steps without a ticker.
type pacer struct{ ticker *time.Ticker }

func newPacer(d time.Duration) *pacer {
	if d <= 0 {
		return &pacer{}
	}
	return &pacer{ticker: time.NewTicker(d)}
}

func (p *pacer) wait(ctx context.Context) error {
	if p.ticker == nil {
		return ctx.Err()
	}
	select {
	case <-p.ticker.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pacer) stop() {
	if p.ticker != nil {
		p.ticker.Stop()
	}
}
