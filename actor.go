package aimdb

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/oklog/run"
)

// actors is the group that a database runs as. Actors are interrupted one
// after the other in the order they were added, and each interrupt waits until
// its actor is done: intake ends first, and what each part has accepted
// reaches the next one before that is interrupted in turn.
type actors struct {
	group run.Group
	// timeout bounds the whole shutdown, counted from the first interrupt.
	timeout time.Duration
	begin   sync.Once
	left    context.Context
	release context.CancelFunc
}

// add makes an actor of a loop that ends with its context. What it does first
// when it is to end, and what takes time, is done by stop; it may be nil.
func (a *actors) add(loop func(ctx context.Context) error, stop func(left context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	a.group.Add(func() error {
		defer close(done)
		return unlessEnded(ctx, loop(ctx))
	}, func(error) {
		left := a.deadline()
		if stop != nil {
			stop(left)
		}
		cancel()
		select {
		case <-done:
		case <-left.Done():
		}
	})
}

// deadline returns the context of the shutdown, which starts with the first
// call. It is called by one goroutine, the group's.
func (a *actors) deadline() context.Context {
	a.begin.Do(func() {
		a.left, a.release = context.WithTimeout(context.Background(), a.timeout)
	})
	return a.left
}

// run returns the error of the actor that ended first.
func (a *actors) run() error {
	err := a.group.Run()
	if a.release != nil {
		a.release()
	}
	return err
}

// unlessEnded drops an error that only repeats that ctx has ended.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return nil
	}
	return err
}
