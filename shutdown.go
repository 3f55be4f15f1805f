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

	"github.com/aimdb-go/aimdb/internal/counted"
	"github.com/aimdb-go/aimdb/sinks/pump"
)

// The shutdown budget. The parts of a database end one after another, in this
// order, so that what each has accepted reaches the next one. All of it takes
// Config.DrainTimeout at most. Each part may use a share of the time that is left
// when its turn comes; the rest is for the parts after it.
//
//	part         share  what it finishes
//	gateway        1/2  replies to requests; nothing new comes in
//	NATS service   1/2  the same, for NATS clients
//	stages         1/2  what is in the rings that they read; after 2/5 of the whole
//	                    time the contexts of their functions end
//	republisher    1/2  what is in the rings of persisted records goes to the log
//	pumps         9/10  what is in the log goes to the sinks
//	others         1/2  retention, start, backend, log: next to nothing
//
// A part that does not end leaves time to those after it. When the time is over it
// is named in the error of Run and left behind, because Go cannot end a goroutine
// from outside.
const (
	gatewayShare     = 0.5
	stagesShare      = 0.5
	republisherShare = 0.5
	pumpShare        = 0.9
	otherShare       = 0.5
)

// stageGrace is how long stages may work on what is left: a little less than the
// shutdown waits for them.
func stageGrace(timeout time.Duration) time.Duration { return timeout * 2 / 5 }

// part is one of the loops that a database consists of.
type part struct {
	name string
	// loop works until its context ends.
	loop func(ctx context.Context) error
	// stop, which may be nil, is called before that context ends and does what
	// takes time. Its context bounds it and the end of the loop.
	stop func(left context.Context)
	// share is the part of the time left that this one may use.
	share float64
	// busy, which may be nil, names what in the part has not ended.
	busy func() []string
}

// actors is the group of the parts. They are interrupted in the order in which
// they were added, and each interrupt waits until its part is done.
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

// await returns the error of a loop, or that it did not end in time. Its goroutine
// is left behind then.
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

// shares returns until when a part may work, and until when the parts after it
// wait for it.
func (a *actors) shares(p part) (work, end context.Context, release func()) {
	left := a.deadline()
	until, _ := left.Deadline()
	rest := time.Until(until)
	share := p.share
	work, first := context.WithTimeout(left, time.Duration(share*float64(rest)))
	if p.stop != nil {
		share = (1 + share) / 2 // the loop ends after stop
	}
	end, second := context.WithTimeout(left, time.Duration(share*float64(rest)))
	return work, end, func() { first(); second() }
}

// deadline returns the context of the shutdown, which begins with the first call.
// The goroutine of the group calls it.
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

// run returns the errors of all parts, that of the one that ended first in front.
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

// outlet is a pump of a database, with its shutdown.
type outlet struct {
	db   *DB
	pump *pump.Pump
	// release makes the pump read on if a start holds it. No stage runs any more.
	release func()
	// left bounds the end of run. drain sets it if the log is in memory and the
	// sink has all of it.
	left context.Context
	// lost is the error of a log in memory that the sink does not have all of.
	lost error
}

// run works until ctx ends.
func (o *outlet) run(ctx context.Context) error {
	if err := o.pump.Run(ctx); err != nil || o.left == nil {
		return errors.Join(err, o.lost)
	}
	if err := o.pump.Leave(o.left); err != nil {
		o.db.config.Logger.Warn("everything is stored, but the next start will count a loss of unknown size, because the sink could not be told",
			"database", o.db.config.Name, "error", err)
	}
	return nil
}

// drain lets the pump reach the end of the log before it stops, and logs what is
// left.
func (o *outlet) drain(left context.Context) {
	o.release()
	db := o.db
	last, err := db.bus.LastSequence(left)
	if err == nil {
		err = o.pump.WaitStored(left, last)
	}
	stats := o.pump.Stats()
	stored := stats.Checkpoint.Sequence
	log := db.config.Logger.With("database", db.config.Name, "sink", stats.Sink, "stored", stored, "log", last, "left", last-min(last, stored))
	switch memory := db.config.volatile(); {
	case err == nil:
		log.Info("everything in the log is stored")
		if memory && db.logged() {
			o.left = left
		}
	case memory:
		o.lost = fmt.Errorf("aimdb: sink %s has the log up to %d of %d; the rest is lost, because the log is in memory and ends with the process: %v", stats.Sink, stored, last, err)
		log.Error("a sink did not take everything in time; the rest is lost, because the log is in memory and ends with the process", "error", err)
	default:
		log.Warn("a sink did not take everything in time; the rest is in the log and is stored after the next start", "error", err)
	}
}

// noteUnlogged returns an error that names what was accepted and not logged, and
// notes it for the next start. It is called after the registry was closed.
func (db *DB) noteUnlogged() error {
	if db.bus == nil {
		return nil
	}
	left, err := db.bus.NoteUnlogged(db.registry)
	if len(left) == 0 {
		return err
	}
	const most = 5 // records that are named
	total, names := uint64(0), []string(nil)
	for i, l := range left {
		total += l.Count
		if i < most {
			names = append(names, fmt.Sprintf("%d of %q", l.Count, l.Record))
		}
	}
	if n := len(left) - most; n > 0 {
		names = append(names, "and those of "+counted.Of(n, "more record"))
	}
	after := "the next start counts them as lost in the ledger of every sink"
	switch {
	case err != nil:
		after = "no ledger will have them, because they could not be noted for the next start"
	case db.config.Dir == "":
		after = "nothing of them is left, because the database has no directory"
	}
	return errors.Join(err, fmt.Errorf("aimdb: %s %s accepted and not logged before the database ended (%s); %s", counted.Of(total, "value"), counted.Verb(total, "was", "were"), strings.Join(names, ", "), after))
}

// logged reports whether the log has handled all that records were given.
func (db *DB) logged() bool {
	for _, h := range db.registry.Records() {
		if h.Config().Logged && h.Acked() < h.Produced() {
			return false
		}
	}
	return true
}
