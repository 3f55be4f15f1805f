package pump

import (
	"context"
	"fmt"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

// Stats is the state of a pump.
type Stats struct {
	// Sink is the name of the sink.
	Sink string `json:"sink"`
	// Checkpoint is that of the last batch that the sink has stored.
	Checkpoint history.Position `json:"checkpoint"`
	// Batches, Values, Refused and Lost count what this process has committed:
	// transactions, values, dead letters, and lost values of the ledger.
	Batches uint64 `json:"batches"`
	Values  uint64 `json:"values"`
	Refused uint64 `json:"refused"`
	Lost    uint64 `json:"lost"`
	// LastCommit is the time of the last commit.
	LastCommit time.Time `json:"last_commit"`
	// Retries is the number of attempts after the first ones.
	Retries uint64 `json:"retries"`
	// State is "ok", or "retrying: " and why.
	State string `json:"state"`
}

// committed counts a batch and wakes the callers of WaitStored.
func (p *Pump) committed(at history.Position, b sinks.Batch) {
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
	return p.stats
}

// WaitStored waits until the sink has everything of the log up to a sequence.
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
