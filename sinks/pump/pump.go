package pump

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

// quickLinger is the linger under a light load: values that come within it
// share a transaction.
const quickLinger = 4 * time.Millisecond

// Pump moves the log into one sink, in batches that are each one transaction
// together with their checkpoint. It has one goroutine, that of Run.
type Pump struct {
	config Config
	log    *slog.Logger
	msgs   []bus.Message
	batch  sinks.Batch

	// A batch waits for more until linger after lastWrite, the begin of the batch
	// before. After a quiet time it does not wait. The linger adapts.
	linger    time.Duration
	lastWrite time.Time
	trouble   time.Time

	mu     sync.Mutex
	stats  Stats
	stored chan struct{} // closed and replaced at each commit
}

// New returns a pump. It does nothing before Run.
func New(c Config) (*Pump, error) {
	if c.Source == nil || c.Sink == nil {
		return nil, errors.New("sinks: a pump needs a source and a sink")
	}
	c = c.withDefaults()
	return &Pump{
		config: c, log: c.Logger, msgs: make([]bus.Message, c.Batch), linger: quickLinger,
		stats: Stats{Sink: c.Sink.Name(), State: "ok"}, stored: make(chan struct{}),
	}, nil
}

// Run works until ctx ends. It waits while the sink or the log is out of order. A
// write that ctx interrupts is not finished; it comes again at the next start.
func (p *Pump) Run(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		progress, err := p.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if progress {
			attempt = 0
		}
		if !p.again(ctx, attempt, fmt.Errorf("read the log: %w", err)) {
			return nil
		}
	}
}

// session reads from the checkpoint of the sink on until something fails.
func (p *Pump) session(ctx context.Context) (progress bool, err error) {
	at, err := p.config.Sink.Checkpoint(ctx)
	if err != nil {
		return false, fmt.Errorf("ask sink %s for its checkpoint: %w", p.config.Sink.Name(), err)
	}
	stream, err := p.config.Source.Open(ctx, p.config.Sink.Name(), at)
	if err != nil {
		return false, err
	}
	defer stream.Close()
	if at, err = p.begin(ctx, at, stream.Start()); err != nil {
		return false, err
	}
	p.ok()
	for {
		n, failed := stream.Next(ctx, p.msgs, p.config.BatchBytes, p.lastWrite.Add(p.linger))
		if n > 0 {
			p.lastWrite = time.Now()
			if at, err = p.store(ctx, at, p.msgs[:n]); err != nil {
				return progress, errors.Join(failed, err)
			}
			progress = true
			p.adapt(n)
			failed = errors.Join(failed, stream.Ack())
		}
		if failed != nil {
			return progress, failed
		}
	}
}

// begin commits where reading starts if the sink has another checkpoint: one of
// another log, or one after the end of this log, must not stay until the next
// value.
func (p *Pump) begin(ctx context.Context, have history.Position, start history.Position) (history.Position, error) {
	at := history.Position{Log: start.Log, Sequence: start.Sequence}
	first := have == (history.Position{})
	if first && p.config.Volatile {
		return at, p.commit(ctx, sinks.Batch{Checkpoint: at})
	}
	if have == at || first {
		p.committed(at, sinks.Batch{})
		return at, nil
	}
	if have.Log != at.Log {
		// The loss of the rest of the other log comes with the first
		// messages, and is committed with this change of logs.
		p.committed(history.Position{Log: at.Log}, sinks.Batch{})
		return at, nil
	}
	return at, p.commit(ctx, sinks.Batch{Checkpoint: at})
}

// adapt makes the linger longer while batches are large, so that a flood makes few
// large transactions, and shorter while they are small.
func (p *Pump) adapt(n int) {
	switch {
	case n >= p.config.Batch/8:
		p.linger = min(2*p.linger, p.config.Linger)
	case n < p.config.Batch/32:
		p.linger = max(p.linger/2, min(quickLinger, p.config.Linger))
	}
}

// again notes a failure and waits. It returns false if ctx has ended.
func (p *Pump) again(ctx context.Context, attempt int, err error) bool {
	p.mu.Lock()
	p.stats.Retries++
	p.stats.State = "retrying: " + err.Error()
	p.mu.Unlock()
	if p.trouble.IsZero() {
		p.trouble = time.Now()
		p.log.Error("sinks: values wait in the log; trying again", "sink", p.config.Sink.Name(), "error", err)
	}
	most := p.config.RetryMin << min(attempt, 20)
	if most <= 0 || most > p.config.RetryMax {
		most = p.config.RetryMax
	}
	timer := time.NewTimer(most/2 + rand.N(most/2+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ok notes that the sink and the log work again.
func (p *Pump) ok() {
	if !p.trouble.IsZero() {
		p.log.Info("sinks: values go into the sink again", "sink", p.config.Sink.Name(), "after", time.Since(p.trouble).Round(time.Millisecond).String())
		p.trouble = time.Time{}
	}
	p.mu.Lock()
	p.stats.State = "ok"
	p.mu.Unlock()
}
