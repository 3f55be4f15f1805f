package records

import (
	"github.com/aimdb-go/aimdb/loss"
	"slices"
)

// maxRecentLosses bounds what Losses returns of one record.
const maxRecentLosses = 16

// ledger holds what a record lost between its ring and the log and beyond.
type ledger struct {
	total  uint64
	causes map[loss.Cause]uint64
	recent []loss.Loss
}

// AddLoss counts values of this record that did not get where they belong. Ring
// overruns of the log's feed and values it cannot encode are already counted
// here; whoever loses values further on adds them.
func (u *Untyped) AddLoss(l loss.Loss) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.addLoss(l)
}

func (u *Untyped) addLoss(l loss.Loss) {
	if u.ledger == nil {
		u.ledger = &ledger{}
	}
	u.ledger.add(l)
}

// add joins a loss to the last one when it continues it.
func (g *ledger) add(l loss.Loss) {
	g.total += l.Count
	if g.causes == nil {
		g.causes = map[loss.Cause]uint64{}
	}
	g.causes[l.Cause] += l.Count
	if n := len(g.recent); n > 0 {
		last := &g.recent[n-1]
		if last.Cause == l.Cause && last.To != 0 && last.To+1 == l.From {
			last.To = l.To
			last.Count += l.Count
			last.LastTime = max(last.LastTime, l.LastTime)
			return
		}
	}
	if len(g.recent) == maxRecentLosses {
		g.recent = slices.Delete(g.recent, 0, 1)
	}
	g.recent = append(g.recent, l)
}

// Losses returns the latest losses of the record, the oldest first, and the
// number of values lost in all. What was lost on the way from the log to a sink
// counts for each sink.
func (u *Untyped) Losses() (recent []loss.Loss, total uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ledger == nil {
		return nil, 0
	}
	return slices.Clone(u.ledger.recent), u.ledger.total
}
