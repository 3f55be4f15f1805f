package aimdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/oklog/run"
)

// part is one of the loops that a database is made of.
type part struct {
	name string
	// loop works until its context ends.
	loop func(ctx context.Context) error
	// stop, which may be nil, is called before that context ends and does what
	// takes time. It is given how long it and the end of the loop may take.
	stop func(left context.Context)
	// share is how much of the time that is left the part may use up before
	// those behind it are ended too; 0 is a half.
	share float64
	// busy, which may be nil, names what in the part has not ended.
	busy func() []string
}

// actors is the group that a database runs as. Actors are interrupted one
// after the other in the order they were added, and each interrupt waits until
// its actor is done: intake ends first, and what each part has accepted
// reaches the next one before that is interrupted in turn. A part that does not
// end leaves time to those behind it, and is given up when the time is over.
type actors struct {
	group  run.Group
	logger *slog.Logger
	// timeout bounds the whole shutdown, counted from the first interrupt.
	timeout time.Duration
	begin   sync.Once
	left    context.Context
	release context.CancelFunc
	// over is closed when the time of the shutdown is over.
	over chan struct{}

	mu   sync.Mutex
	errs []error
}

func newActors(timeout time.Duration, logger *slog.Logger) *actors {
	return &actors{timeout: timeout, logger: logger, over: make(chan struct{})}
}

// add makes an actor of a part.
func (a *actors) add(p part) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	a.group.Add(func() error {
		ended := make(chan error, 1)
		go func() { ended <- p.loop(ctx) }()
		return a.note(unlessEnded(ctx, a.await(p, ended, done)))
	}, func(error) {
		work, end, release := a.shares(p)
		defer release()
		if p.stop != nil {
			p.stop(work)
		}
		cancel()
		select {
		case <-done:
		case <-end.Done():
		}
	})
}

// await returns what a loop ended with, or that it did not end in time. Its
// goroutine is left behind then.
func (a *actors) await(p part, ended <-chan error, done chan struct{}) error {
	defer close(done)
	select {
	case err := <-ended:
		return err
	case <-a.over:
	}
	select {
	case err := <-ended:
		return err
	default:
	}
	var what []string
	if p.busy != nil {
		what = p.busy()
	}
	if len(what) == 0 {
		what = []string{p.name}
	}
	err := fmt.Errorf("aimdb: %s did not end within %v; it has to return when its context ends", strings.Join(what, ", "), a.timeout)
	a.logger.Error("a part of the database did not end in time and is left behind", "part", p.name, "error", err)
	return err
}

// shares returns until when a part may work on at its end, and until when those
// behind it wait for it.
func (a *actors) shares(p part) (work, end context.Context, release func()) {
	share := p.share
	if share == 0 {
		share = 0.5
	}
	left := a.deadline()
	until, _ := left.Deadline()
	rest := time.Until(until)
	work, first := context.WithTimeout(left, time.Duration(share*float64(rest)))
	if p.stop != nil {
		share = (1 + share) / 2 // the loop ends after stop
	}
	end, second := context.WithTimeout(left, time.Duration(share*float64(rest)))
	return work, end, func() { first(); second() }
}

// deadline returns the context of the shutdown, which starts with the first
// call. It is called by one goroutine, the group's.
func (a *actors) deadline() context.Context {
	a.begin.Do(func() {
		a.left, a.release = context.WithTimeout(context.Background(), a.timeout)
		context.AfterFunc(a.left, func() { close(a.over) })
	})
	return a.left
}

func (a *actors) note(err error) error {
	if err != nil {
		a.mu.Lock()
		a.errs = append(a.errs, err)
		a.mu.Unlock()
	}
	return err
}

// run returns the errors of all actors, that of the one that ended first in
// front.
func (a *actors) run() error {
	_ = a.group.Run() // it is among those noted
	if a.release != nil {
		a.release()
	}
	return errors.Join(a.errs...)
}

// unlessEnded drops an error that only repeats that ctx has ended.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return nil
	}
	return err
}
