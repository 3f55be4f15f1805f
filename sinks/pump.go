package sinks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/records"
)

// The defaults of a PumpConfig.
const (
	DefaultBatch      = 4096
	DefaultBatchBytes = 8 << 20
	DefaultLinger     = 50 * time.Millisecond
	DefaultRetryMin   = 100 * time.Millisecond
	DefaultRetryMax   = 3 * time.Second
)

// quickLinger is the linger under a light load: values that come within it
// share a transaction.
const quickLinger = 4 * time.Millisecond

// Source opens the log for a sink.
type Source interface {
	// Open reads what lies behind a position.
	Open(ctx context.Context, sink string, from bus.Position) (Stream, error)
}

// Stream is the log as one sink reads it.
type Stream interface {
	// Start is the position that reading began behind.
	Start() bus.Position
	// Next waits for a message, then for more until linger has passed.
	Next(ctx context.Context, dst []bus.Message, maxBytes int, linger time.Duration) (int, error)
	// Ack says that all that was read is stored.
	Ack() error
	Close()
}

// FromBus makes the log of a bus a Source.
func FromBus(b *bus.Bus) Source { return busSource{b} }

type busSource struct{ bus *bus.Bus }

func (s busSource) Open(ctx context.Context, sink string, from bus.Position) (Stream, error) {
	return s.bus.Consumer(ctx, sink, from)
}

// PumpConfig says what a pump moves from where to where.
type PumpConfig struct {
	Source Source
	Sink   Sink
	// Batch and BatchBytes bound a batch. 0 is the default.
	Batch, BatchBytes int
	// Linger is the longest that a value waits for others under load. A lone
	// value never waits.
	Linger time.Duration
	// RetryMin and RetryMax bound the time between two attempts while the
	// sink is unavailable.
	RetryMin, RetryMax time.Duration
	// OnLoss, if set, is told of the losses that the pump is the first to
	// know of. It must not block.
	OnLoss func(records.Loss)
	Logger *slog.Logger
}

func (c PumpConfig) withDefaults() PumpConfig {
	if c.Batch <= 0 {
		c.Batch = DefaultBatch
	}
	if c.BatchBytes <= 0 {
		c.BatchBytes = DefaultBatchBytes
	}
	if c.Linger <= 0 {
		c.Linger = DefaultLinger
	}
	if c.RetryMin <= 0 {
		c.RetryMin = DefaultRetryMin
	}
	if c.RetryMax < c.RetryMin {
		c.RetryMax = max(DefaultRetryMax, c.RetryMin)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Pump moves the log into one sink, in batches that are each one transaction
// together with their checkpoint. It has one goroutine, that of Run.
type Pump struct {
	config PumpConfig
	log    *slog.Logger
	msgs   []bus.Message
	batch  Batch

	// linger adapts; lastWrite is when the last batch was begun.
	linger    time.Duration
	lastWrite time.Time
	trouble   time.Time

	mu     sync.Mutex
	stats  Stats
	stored chan struct{} // closed and replaced at each commit
}

// Stats is how a pump goes.
type Stats struct {
	// Sink is the name of the sink.
	Sink string
	// Checkpoint is what the sink has committed.
	Checkpoint Checkpoint
	// Batches, Values, Refused and Lost count what was committed by this
	// process: transactions, values, dead letters, values told lost.
	Batches, Values, Refused, Lost uint64
	// LastCommit is the time of the last commit.
	LastCommit time.Time
	// Retries is how often something was tried again.
	Retries uint64
	// State is "ok", or "retrying: " and why.
	State string
}

// NewPump makes a pump. It does nothing before Run.
func NewPump(c PumpConfig) (*Pump, error) {
	if c.Source == nil || c.Sink == nil {
		return nil, errors.New("sinks: a pump needs a source and a sink")
	}
	c = c.withDefaults()
	return &Pump{
		config: c, log: c.Logger, msgs: make([]bus.Message, c.Batch), linger: quickLinger,
		stats: Stats{Sink: c.Sink.Name(), State: "ok"}, stored: make(chan struct{}),
	}, nil
}

// Run works until ctx ends. Nothing short of that ends it: an outage of the
// sink or of the log is waited out. What is being written when ctx ends is not
// finished; it comes again at the next start.
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

// session reads from the sink's checkpoint on until something fails.
func (p *Pump) session(ctx context.Context) (progress bool, err error) {
	at, err := p.config.Sink.Checkpoint(ctx)
	if err != nil {
		return false, fmt.Errorf("ask sink %s for its checkpoint: %w", p.config.Sink.Name(), err)
	}
	stream, err := p.config.Source.Open(ctx, p.config.Sink.Name(), bus.Position{Log: at.Log, Sequence: at.Sequence})
	if err != nil {
		return false, err
	}
	defer stream.Close()
	if at, err = p.begin(ctx, at, stream.Start()); err != nil {
		return false, err
	}
	p.ok()
	for {
		n, err := stream.Next(ctx, p.msgs, p.config.BatchBytes, p.wait())
		if n > 0 {
			p.lastWrite = time.Now()
			if at, err = p.store(ctx, at, p.msgs[:n]); err != nil {
				return progress, err
			}
			progress = true
			p.adapt(n)
			err = stream.Ack()
		}
		if err != nil {
			return progress, err
		}
	}
}

// begin commits where reading starts if that is not where the sink was: its
// checkpoint may be of another log, or behind the end of this one, and must
// not stay so until the next value.
func (p *Pump) begin(ctx context.Context, have Checkpoint, start bus.Position) (Checkpoint, error) {
	at := Checkpoint{Log: start.Log, Sequence: start.Sequence}
	if have == at || have == (Checkpoint{}) {
		p.committed(at, Batch{})
		return at, nil
	}
	if have.Log != at.Log {
		// The loss of the rest of the other log comes with the first
		// messages, and is committed with this change of logs.
		p.committed(Checkpoint{Log: at.Log}, Batch{})
		return at, nil
	}
	return at, p.commit(ctx, Batch{Checkpoint: at})
}

// wait returns how long the next batch may wait for more: not at all after a
// quiet time, and under load as long as has proved good.
func (p *Pump) wait() time.Duration {
	return max(0, p.linger-time.Since(p.lastWrite))
}

// adapt makes the linger longer while batches come out large, so that a flood
// makes few large transactions, and shorter when they do not.
func (p *Pump) adapt(n int) {
	switch {
	case n >= p.config.Batch/8:
		p.linger = min(2*p.linger, p.config.Linger)
	case n < p.config.Batch/32:
		p.linger = max(p.linger/2, min(quickLinger, p.config.Linger))
	}
}

// store commits messages of the log, in one batch if the sink takes it.
func (p *Pump) store(ctx context.Context, at Checkpoint, msgs []bus.Message) (Checkpoint, error) {
	b := &p.batch
	b.Entries, b.Refused, b.Losses = b.Entries[:0], nil, nil
	for i := range msgs {
		m := &msgs[i]
		at.Sequence = max(at.Sequence, m.Sequence)
		if m.Loss == nil {
			b.Entries = append(b.Entries, Entry{Sequence: m.Sequence, Record: m.Record, Time: m.Time, Value: m.Value})
			continue
		}
		b.Losses = append(b.Losses, *m.Loss)
		if p.config.OnLoss != nil && (m.Loss.Cause == records.LogDiscarded || m.Loss.Cause == records.LogMissing) {
			p.config.OnLoss(*m.Loss)
		}
	}
	b.Checkpoint = at
	err := p.commit(ctx, *b)
	clear(b.Entries)
	return at, err
}

// commit writes a batch until the sink has it. A batch that is refused for
// good is cut in two, and each half has a transaction and checkpoint of its
// own, until what is refused is one value.
func (p *Pump) commit(ctx context.Context, b Batch) error {
	for attempt := 0; ; attempt++ {
		err := p.config.Sink.Write(ctx, &b)
		if err == nil {
			p.committed(b.Checkpoint, b)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if Refused(err) && len(b.Entries) > 0 {
			return p.isolate(ctx, b, err)
		}
		if !p.again(ctx, attempt, fmt.Errorf("write to sink %s: %w", p.config.Sink.Name(), err)) {
			return ctx.Err()
		}
		if done, err := p.arrived(ctx, b); err == nil && done {
			p.committed(b.Checkpoint, b)
			return nil
		}
	}
}

// arrived reports whether the sink has a batch although its answer was an
// error: the failure may have come behind the commit. A batch is in the sink
// as a whole or not at all, so its checkpoint tells.
func (p *Pump) arrived(ctx context.Context, b Batch) (bool, error) {
	if len(b.Entries)+len(b.Refused)+len(b.Losses) == 0 {
		return false, nil // nothing that could be there twice
	}
	at, err := p.config.Sink.Checkpoint(ctx)
	return at == b.Checkpoint, err
}

func (p *Pump) isolate(ctx context.Context, b Batch, reason error) error {
	if len(b.Entries) == 1 {
		return p.commit(ctx, p.deadLetter(b, reason))
	}
	half := len(b.Entries) / 2
	left := Batch{
		Entries: b.Entries[:half], Refused: b.Refused, Losses: b.Losses,
		Checkpoint: Checkpoint{Log: b.Checkpoint.Log, Sequence: b.Entries[half-1].Sequence},
	}
	if err := p.commit(ctx, left); err != nil {
		return err
	}
	return p.commit(ctx, Batch{Entries: b.Entries[half:], Checkpoint: b.Checkpoint})
}

// deadLetter makes of a batch with one refused value one without.
func (p *Pump) deadLetter(b Batch, reason error) Batch {
	e := b.Entries[0]
	now := time.Now().UnixMilli()
	loss := records.Loss{
		Record: e.Record, Cause: records.SinkRefused, Count: 1,
		FirstTime: now, LastTime: now,
	}
	p.log.Warn("sinks: the sink refuses a value for good; it is kept as a dead letter", "sink", p.config.Sink.Name(), "record", e.Record, "sequence", e.Sequence, "error", reason)
	if p.config.OnLoss != nil {
		p.config.OnLoss(loss)
	}
	return Batch{
		Refused:    append(b.Refused, Refusal{Entry: e, Reason: reason.Error()}),
		Losses:     append(b.Losses, loss),
		Checkpoint: b.Checkpoint,
	}
}

// again notes a failure and waits. It returns false when ctx has ended.
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

// ok notes that things go well again.
func (p *Pump) ok() {
	if !p.trouble.IsZero() {
		p.log.Info("sinks: values go into the sink again", "sink", p.config.Sink.Name(), "after", time.Since(p.trouble).Round(time.Millisecond).String())
		p.trouble = time.Time{}
	}
	p.mu.Lock()
	p.stats.State = "ok"
	p.mu.Unlock()
}

// committed counts a batch and wakes who waits for it.
func (p *Pump) committed(at Checkpoint, b Batch) {
	if !p.trouble.IsZero() {
		p.ok()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Checkpoint = at
	if len(b.Entries)+len(b.Refused)+len(b.Losses) > 0 {
		p.stats.Batches++
		p.stats.LastCommit = time.Now()
	}
	p.stats.Values += uint64(len(b.Entries))
	p.stats.Refused += uint64(len(b.Refused))
	for _, l := range b.Losses {
		p.stats.Lost += l.Count
	}
	close(p.stored)
	p.stored = make(chan struct{})
}

// Stats tells how the pump goes.
func (p *Pump) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// WaitStored returns when the sink has everything of the log up to a sequence.
func (p *Pump) WaitStored(ctx context.Context, sequence uint64) error {
	for {
		p.mu.Lock()
		at, state, stored := p.stats.Checkpoint.Sequence, p.stats.State, p.stored
		p.mu.Unlock()
		if at >= sequence {
			return nil
		}
		select {
		case <-stored:
		case <-ctx.Done():
			return fmt.Errorf("sinks: sink %s has the log up to %d of %d (%s): %w", p.config.Sink.Name(), at, sequence, state, ctx.Err())
		}
	}
}
