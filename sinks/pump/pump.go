package pump

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/backoff"
	"github.com/aimdb-go/aimdb/internal/histogram"
	"github.com/aimdb-go/aimdb/internal/outage"
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
	// have is the checkpoint that the sink has.
	have history.Position

	pause  backoff.Backoff
	outage *outage.Outage
	// batches and commits are those of Stats.
	batches, commits *histogram.Histogram

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
	log := c.Logger.With("sink", c.Sink.Name())
	return &Pump{
		config: c, log: log, msgs: make([]bus.Message, c.Batch), linger: quickLinger,
		pause:   backoff.Backoff{First: c.RetryMin, Longest: c.RetryMax},
		outage:  outage.New(log, "sinks: values wait in the log; trying again", "sinks: values go into the sink again"),
		batches: histogram.Sizes(), commits: histogram.Seconds(),
		stats: Stats{Sink: c.Sink.Name()}, stored: make(chan struct{}),
	}, nil
}

// Run moves messages until ctx ends. It retries through outages of the sink and of the
// log. A batch that is being written when ctx ends is not finished; the next start reads
// its messages again.
func (p *Pump) Run(ctx context.Context) error {
	for failures := 1; ; failures++ {
		progress, err := p.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if progress {
			failures = 1
		}
		if p.again(ctx, failures, fmt.Errorf("read the log: %w", err)) != nil {
			return nil
		}
	}
}

// session reads until an error, or until what the sink writes to is replaced.
func (p *Pump) session(ctx context.Context) (progress bool, err error) {
	ctx, end := p.untilReplaced(ctx)
	defer end()
	progress, err = p.read(ctx)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return progress, err
}

// untilReplaced ends a context when what the sink writes to is replaced.
func (p *Pump) untilReplaced(ctx context.Context) (context.Context, context.CancelFunc) {
	sink, can := p.config.Sink.(sinks.Replaceable)
	if !can {
		return ctx, func() {}
	}
	replaced := sink.Replaced()
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-replaced:
			end(fmt.Errorf("what sink %s writes to was replaced; reading begins again at its checkpoint", sink.Name()))
		case <-ctx.Done():
		}
	}()
	return ctx, func() { end(nil) }
}

// read reads from the sink's checkpoint on until something fails.
func (p *Pump) read(ctx context.Context) (progress bool, err error) {
	at, err := p.config.Sink.Checkpoint(ctx)
	if err != nil {
		return false, fmt.Errorf("read the checkpoint of sink %s: %w", p.config.Sink.Name(), err)
	}
	p.have = at
	stream, err := p.config.Source.Open(ctx, p.config.Sink.Name(), at)
	if err != nil {
		return false, err
	}
	defer stream.Close()
	if at, err = p.begin(ctx, at, stream.Start()); err != nil {
		return false, err
	}
	p.outage.Over()
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
	if have.Log != at.Log && at.Sequence == 0 {
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

// again notes the n-th failure in a row and waits. It returns the error of ctx
// if that ends.
func (p *Pump) again(ctx context.Context, n int, err error) error {
	p.outage.Failed(err)
	return p.pause.Wait(ctx, n)
}
