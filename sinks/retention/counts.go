package retention

import (
	"maps"

	"github.com/aimdb-go/aimdb/history"
)

// Counts are what the sweeps of Run did so far.
type Counts struct {
	// Sweeps ended, Failures of them with an error.
	Sweeps, Failures uint64
	// Pruned is what was deleted by the pattern of the policy that holds for the record.
	// What belongs to records without a policy is under "", and was deleted because the
	// whole history has a limit, which may also be why more went of the others.
	Pruned map[string]Pruned
	// OverBytes is by how much the history was above its limit at the end of the last sweep
	// because everything left is to be kept, Held the number of rows that it kept because
	// only the clock makes them too old.
	OverBytes, Held int64
}

// Pruned is a number of rows, and the size of their values.
type Pruned struct{ Rows, Bytes int64 }

// count adds a sweep to the counts.
func (r *Retention) count(report history.PruneReport, err error) {
	policies := r.keep.Load().policies
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &r.counts
	c.Sweeps++
	if err != nil {
		c.Failures++
	} else {
		c.OverBytes, c.Held = report.OverBytes, 0
		for _, held := range report.Held {
			c.Held += held.Rows
		}
	}
	for _, one := range report.Records {
		if c.Pruned == nil {
			c.Pruned = make(map[string]Pruned)
		}
		policy, _ := choose(policies, one.Record)
		sum := c.Pruned[policy.Pattern.String()]
		c.Pruned[policy.Pattern.String()] = Pruned{sum.Rows + one.Rows, sum.Bytes + one.Bytes}
	}
}

// Counts returns what the sweeps of Run did so far.
func (r *Retention) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.counts
	c.Pruned = maps.Clone(c.Pruned)
	return c
}
