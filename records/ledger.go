package records

import (
	"github.com/aimdb-go/aimdb/loss"
	"slices"
)

// maxRecentLosses is how many losses of one record Losses returns at most.
const maxRecentLosses = 16

// ledger holds the losses of a record between its ring and the log.
type ledger struct {
	total  uint64
	causes map[loss.Cause]uint64
	recent []loss.Loss
}

// AddLoss counts values of the record that will not reach the log. Overruns of the
// log's feed and values that it cannot encode are counted without it.
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

// add appends a loss, or extends the last one if this one continues it.
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

// Losses returns the most recent losses of the record, oldest first, and the number
// of all values lost.
func (u *Untyped) Losses() (recent []loss.Loss, total uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.ledger == nil {
		return nil, 0
	}
	return slices.Clone(u.ledger.recent), u.ledger.total
}
