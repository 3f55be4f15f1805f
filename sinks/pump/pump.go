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

// quickLinger is the linger under light load. Values that arrive within it share a
// transaction.
const quickLinger = 4 * time.Millisecond

// Pump moves the log into one sink in batches. Each batch is one transaction together
// with its checkpoint. Run is the only goroutine.
type Pump struct {
	config Config
	log    *slog.Logger
	msgs   []bus.Message
	batch  sinks.Batch

	// A batch waits for more values until linger after lastWrite, the start of the
	// previous one, so a value after a quiet time does not wait.
	linger    time.Duration
	lastWrite time.Time

	mu     sync.Mutex
	stats  Stats
	stored chan struct{} // closed and replaced at each commit
}

// New creates a pump. It does nothing before Run.
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

// Run moves messages until ctx ends. It retries through outages of the sink and of the
// log. A batch that is being written when ctx ends is not finished; the next start reads
// its messages again.
func (p *Pump) Run(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		progress, err := p.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if progress {
			attempt = 0
		}
		if !p.retry(ctx, attempt, fmt.Errorf("read the log: %w", err)) {
			return nil
		}
	}
}

// session reads from the sink's checkpoint on until an error.
func (p *Pump) session(ctx context.Context) (progress bool, err error) {
	at, err := p.config.Sink.Checkpoint(ctx)
	if err != nil {
		return false, fmt.Errorf("read the checkpoint of sink %s: %w", p.config.Sink.Name(), err)
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
		n, err := stream.Next(ctx, p.msgs, p.config.BatchBytes, p.lastWrite.Add(p.linger))
		if n > 0 {
			p.lastWrite = time.Now()
			if at, err = p.store(ctx, at, p.msgs[:n]); err != nil {
				return progress, err
			}
			progress = true
			p.adapt(n)
			err = errors.Join(err, stream.Ack())
		}
		if err != nil {
			return progress, err
		}
	}
}

// begin commits the position where reading starts if it differs from the sink's
// checkpoint, which may be of another log or after the end of this one. The checkpoint
// must not stay wrong until the next value.
func (p *Pump) begin(ctx context.Context, have, at history.Position) (history.Position, error) {
	first := have == (history.Position{})
	if first && p.config.Volatile {
		return at, p.commit(ctx, sinks.Batch{Checkpoint: at})
	}
	if have == at || first {
		p.committed(at, sinks.Batch{})
		return at, nil
	}
	if have.Log != at.Log {
		// The first messages report the loss of the rest of the other log. It is
		// committed together with this change of logs.
		p.committed(history.Position{Log: at.Log}, sinks.Batch{})
		return at, nil
	}
	return at, p.commit(ctx, sinks.Batch{Checkpoint: at})
}

// adapt doubles the linger while batches are large, so that high load makes few large
// transactions, and halves it while they are small.
func (p *Pump) adapt(n int) {
	switch {
	case n >= p.config.Batch/8:
		p.linger = min(2*p.linger, p.config.Linger)
	case n < p.config.Batch/32:
		p.linger = max(p.linger/2, min(quickLinger, p.config.Linger))
	}
}

// retry records a failure and pauses. It returns false when ctx has ended.
func (p *Pump) retry(ctx context.Context, attempt int, err error) bool {
	p.mu.Lock()
	p.stats.Retries++
	p.stats.State = "retrying: " + err.Error()
	first := p.stats.FailingSince.IsZero()
	if first {
		p.stats.FailingSince = time.Now()
	}
	p.mu.Unlock()
	if first {
		p.log.Error("sinks: values wait in the log; trying again", "sink", p.config.Sink.Name(), "error", err)
	}
	pause := p.config.RetryMin << min(attempt, 20)
	if pause <= 0 || pause > p.config.RetryMax {
		pause = p.config.RetryMax
	}
	timer := time.NewTimer(pause/2 + rand.N(pause/2+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ok ends an outage.
func (p *Pump) ok() {
	p.mu.Lock()
	since := p.stats.FailingSince
	p.stats.State, p.stats.FailingSince = "ok", time.Time{}
	p.mu.Unlock()
	if !since.IsZero() {
		p.log.Info("sinks: values go into the sink again", "sink", p.config.Sink.Name(), "after", time.Since(since).Round(time.Millisecond).String())
	}
}
