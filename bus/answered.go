package bus

import (
	"context"
	"errors"
	"time"

	"github.com/aimdb-go/aimdb/internal/backoff"
)

// mostAsked is how often a reader asks a server that does not answer in time, 5 seconds
// each: for about a minute.
const mostAsked = 12

// answered repeats a question of a reader while the server does not answer in time. A
// server that is busy, for example with many readers that begin at once, answers later, and
// what has been read so far need not be read again.
func answered(ctx context.Context, ask func() error) error {
	pauses := backoff.Backoff{First: 50 * time.Millisecond, Longest: time.Second}
	for failures := 1; ; failures++ {
		err := ask()
		if !errors.Is(err, context.DeadlineExceeded) || failures == mostAsked || pauses.Wait(ctx, failures) != nil {
			return err
		}
	}
}

// Extent returns the first sequence that the log has and the last that it has given. If the
// server does not answer in time, Extent asks again, for a minute at most.
func (b *Bus) Extent(ctx context.Context) (first, last uint64, err error) {
	err = answered(ctx, func() error {
		state, err := b.state(ctx)
		first, last = state.FirstSeq, state.LastSeq
		return err
	})
	return first, last, err
}
