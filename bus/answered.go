package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/internal/backoff"
)

// mostAsked is how often a reader asks a server that does not answer in time, 5 seconds
// each: for about a minute.
const mostAsked = 12

// mostMissing is how often a reader asks a server that says that there is no stream: for
// about three seconds.
const mostMissing = 7

// answered repeats a question of a reader while the server does not answer in time. A
// server that is busy, for example with many readers that begin at once, answers later, and
// what has been read so far need not be read again. While an embedded server is opened again
// it says for a moment that there is no stream, and loses questions: each has a time limit of
// its own, also where ctx has a later one.
func (b *Bus) answered(ctx context.Context, ask func(context.Context) error) error {
	pauses := backoff.Backoff{First: 50 * time.Millisecond, Longest: time.Second}
	for failures := 1; ; failures++ {
		err := b.once(ctx, ask)
		most := 1
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			most = mostAsked
		case errors.Is(err, jetstream.ErrStreamNotFound):
			most = mostMissing
		}
		if failures >= most || pauses.Wait(ctx, failures) != nil {
			return err
		}
	}
}

func (b *Bus) once(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, b.answerTimeout)
	defer cancel()
	return ask(ctx)
}

// Extent returns the first sequence that the log has and the last that it has given. If the
// server does not answer in time, Extent asks again, for a minute at most.
func (b *Bus) Extent(ctx context.Context) (first, last uint64, err error) {
	err = b.answered(ctx, func(ctx context.Context) error {
		state, err := b.state(ctx)
		first, last = state.FirstSeq, state.LastSeq
		return err
	})
	return first, last, err
}
