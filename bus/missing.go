package bus

import (
	"context"

	"github.com/aimdb-go/aimdb/loss"
)

// missingRanges returns losses for the messages from one sequence up to the one before
// another, written between two times. What lies before the start of the log was
// discarded, unless that start has vanished, and what lies after it is damaged.
func (b *Bus) missingRanges(ctx context.Context, from, to uint64, since, written int64) ([]loss.Loss, error) {
	state, err := b.state(ctx)
	if err != nil {
		return nil, err
	}
	var all []loss.Loss
	for _, part := range []struct {
		to    uint64
		cause loss.Cause
	}{{b.current().damagedTo + 1, loss.LogDamaged}, {state.FirstSeq, loss.LogDiscarded}, {to, loss.LogDamaged}} {
		end := min(to, part.to)
		if end <= from {
			continue
		}
		all = append(all, loss.Loss{
			Cause: part.cause, Count: end - from, From: from, To: end - 1, FirstTime: since, LastTime: written,
		})
		from = end
	}
	return all, nil
}
