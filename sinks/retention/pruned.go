package retention

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/aimdb-go/aimdb/history"
)

// Pruned is what sweeps deleted by one policy since the process started.
type Pruned struct {
	// Pattern is that of the policy. It is empty for the limit of the whole history, on
	// records without a policy. What that limit deletes of other records counts for their
	// policy.
	Pattern     string
	Rows, Bytes int64
}

// pruned counts what sweeps delete. A pattern that is not in force any more stays.
type pruned struct {
	mu sync.Mutex
	by map[string]Pruned
}

// add counts a sweep, one that failed halfway included.
func (p *pruned) add(keep *limits, report history.PruneReport) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.by == nil {
		p.by = map[string]Pruned{}
	}
	for _, r := range report.Records {
		pattern := ""
		if policy, found := choose(keep.policies, r.Record); found {
			pattern = policy.Pattern.String()
		}
		sum := p.by[pattern]
		p.by[pattern] = Pruned{Pattern: pattern, Rows: sum.Rows + r.Rows, Bytes: sum.Bytes + r.Bytes}
	}
}

// Pruned returns what sweeps deleted since the process started, by pattern.
func (r *Retention) Pruned() []Pruned {
	r.pruned.mu.Lock()
	defer r.pruned.mu.Unlock()
	return slices.SortedFunc(maps.Values(r.pruned.by), func(a, b Pruned) int { return cmp.Compare(a.Pattern, b.Pattern) })
}
