package pump

import (
	"context"
	"fmt"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/histogram"
	"github.com/aimdb-go/aimdb/sinks"
)

// Stats is the state of a pump.
type Stats struct {
	// Sink is the name of the sink.
	Sink string `json:"sink"`
	// Checkpoint is the checkpoint that the sink has committed.
	Checkpoint history.Position `json:"checkpoint"`
	// Batches, Values, Refused and Lost count the transactions, values, dead letters
	// and lost values that this process has committed.
	Batches uint64 `json:"batches"`
	Values  uint64 `json:"values"`
	Refused uint64 `json:"refused"`
	Lost    uint64 `json:"lost"`
	// LastCommit is the time of the last commit.
	LastCommit time.Time `json:"last_commit,omitzero"`
	// Retries counts attempts after an error.
	Retries uint64 `json:"retries"`
	// State is "ok", or "retrying: " and the error, since FailingSince.
	State        string    `json:"state"`
	FailingSince time.Time `json:"failing_since,omitzero"`
	// BatchValues has the numbers of values of the batches, CommitSeconds how long their
	// transactions took, both of this process.
	BatchValues   histogram.Snapshot `json:"-"`
	CommitSeconds histogram.Snapshot `json:"-"`
}

// BatchInfo is one batch that a pump gave to its sink: see Config.OnBatch.
type BatchInfo struct {
	// Sink is the name of the sink.
	Sink string
	// From is the checkpoint before the batch, To the one that it has.
	From, To history.Position
	// Values, Refused and Losses are how many entries, dead letters and losses it has.
	Values, Refused, Losses int
	// Began and Ended bound the call of the sink.
	Began, Ended time.Time
	// Err is the error of the sink. Unless it refuses values or its checkpoint has moved,
	// the batch is given to it again.
	Err error
}

// write gives a batch to the sink and tells Config.OnBatch. One that only moves the
// checkpoint is none.
func (p *Pump) write(ctx context.Context, b *sinks.Batch) error {
	began := time.Now()
	err := p.config.Sink.Write(ctx, b)
	if !worth(b) {
		return err
	}
	ended := time.Now()
	if err == nil {
		p.batches.Observe(float64(len(b.Entries)))
		p.commits.Observe(ended.Sub(began).Seconds())
	}
	if p.config.OnBatch != nil {
		p.config.OnBatch(BatchInfo{
			Sink: p.config.Sink.Name(), From: b.Previous, To: b.Checkpoint,
			Values: len(b.Entries), Refused: len(b.Refused), Losses: len(b.Losses), Began: began, Ended: ended, Err: err,
		})
	}
	return err
}

// worth reports whether a batch has more than a checkpoint.
func worth(b *sinks.Batch) bool { return len(b.Entries)+len(b.Refused)+len(b.Losses) > 0 }

// committed counts a batch and wakes WaitStored.
func (p *Pump) committed(at history.Position, b sinks.Batch) {
	p.outage.Over()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Checkpoint = at
	if worth(&b) {
		p.stats.Batches++
		p.stats.LastCommit = time.Now()
	}
	p.stats.Values += uint64(len(b.Entries))
	p.stats.Refused += uint64(len(b.Refused))
	for _, l := range b.Losses {
		if !l.Share() {
			p.stats.Lost += l.Count
		}
	}
	close(p.stored)
	p.stored = make(chan struct{})
}

// Stats returns the state of the pump.
func (p *Pump) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, now := p.stats, p.outage.State()
	s.State, s.Retries, s.FailingSince = now.Text, now.Failures, now.Since
	s.BatchValues, s.CommitSeconds = p.batches.Snapshot(), p.commits.Snapshot()
	return s
}

// WaitStored returns when the sink has stored the log up to a sequence.
func (p *Pump) WaitStored(ctx context.Context, sequence uint64) error {
	for {
		p.mu.Lock()
		at, log, stored := p.stats.Checkpoint.Sequence, p.stats.Checkpoint.Log, p.stored
		p.mu.Unlock()
		if at >= sequence && (p.config.Log == nil || p.config.Log() == log) {
			return nil
		}
		select {
		case <-stored:
		case <-ctx.Done():
			return fmt.Errorf("sinks: sink %s has the log up to %d of %d (%s): %w", p.config.Sink.Name(), at, sequence, p.outage.State().Text, ctx.Err())
		}
	}
}
