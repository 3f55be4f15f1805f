package process

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/backoff"
	"github.com/aimdb-go/aimdb/internal/outage"
	"github.com/aimdb-go/aimdb/sinks/pump"
	"github.com/aimdb-go/aimdb/sinks/retention"
)

const (
	// takeOver is how often a standby tries to open the store.
	takeOver = 200 * time.Millisecond
	// lookForLog is how often a process looks for a log that is absent or away.
	lookForLog = time.Second
)

// errStoreFailed ends the parts of a process whose store does not run any more.
var errStoreFailed = errors.New("the store has failed")

// process is one run of a sink.
type process struct {
	config Config
	nc     *nats.Conn
	begun  time.Time

	mu    sync.Mutex
	phase string
	// store, pump and bus are those of the active process, nil until it has them.
	store *Store
	pump  *pump.Pump
	bus   *bus.Bus
	// away is an outage of the log, noStore one of the store.
	away, noStore *outage.Outage
	// end is the end of the log when the process was told to stop.
	end history.Position
}

// Run runs a sink until ctx ends, or until its store fails so that it has to be opened
// again. It returns nil if ctx ended it.
func Run(ctx context.Context, c Config) (err error) {
	c, err = c.checked()
	if err != nil {
		return err
	}
	p := &process{config: c, begun: time.Now(), phase: phaseStarting,
		away:    outage.New(c.Logger, "the sink waits for the log", "the sink reads the log"),
		noStore: outage.New(c.Logger, "the sink waits for its store", "the sink has reached its store")}
	if p.nc, err = p.connect(ctx); err != nil || p.nc == nil {
		return err
	}
	defer p.nc.Close()
	defer p.serve()()
	store, err := p.acquire(ctx)
	if err != nil || store == nil {
		return err
	}
	err = p.work(ctx, store)
	p.enter(phaseStopped, nil)
	return errors.Join(err, store.Close())
}

// acquire opens the store as soon as no other process has it. It returns nil if ctx
// ends before.
func (p *process) acquire(ctx context.Context) (*Store, error) {
	for {
		store, err := p.config.Open(ctx)
		if err == nil {
			return store, p.checkName(ctx, store)
		}
		if ctx.Err() != nil {
			return nil, nil
		}
		if !errors.Is(err, ErrHeld) {
			return nil, err
		}
		p.standBy()
		if !backoff.Sleep(ctx, takeOver) {
			return nil, nil
		}
	}
}

func (p *process) standBy() {
	if p.enter(phaseStandby, nil) {
		p.config.Logger.Info("standby: another process runs this sink; this one takes over when that ends", "store", p.config.Target)
	}
}

// awaitActive returns when this process may write to a store that runs. It reports false
// if ctx ends before.
func (p *process) awaitActive(ctx context.Context, store *Store) bool {
	for store.Active != nil {
		err := store.Active(ctx)
		switch {
		case err == nil:
			p.noStore.Over()
			return true
		case ctx.Err() != nil:
			return false
		case errors.Is(err, ErrHeld):
			p.noStore.Over()
			p.standBy()
		default:
			p.enter(phaseNoStore, nil)
			p.noStore.Failed(err)
		}
		if !backoff.Sleep(ctx, takeOver) {
			return false
		}
	}
	return true
}

// checkName closes a store if a sink of its name is active on another one.
func (p *process) checkName(ctx context.Context, store *Store) error {
	all, err := gather(ctx, p.nc)
	if err != nil {
		p.config.Logger.Warn("it is not known whether another store is a sink of this name", "error", err)
		return nil
	}
	for _, s := range all {
		if s.Database == p.config.Log.Name && s.Sink == p.config.Sink && s.active() && !p.sameStore(s) {
			err := fmt.Errorf("run the sink %s of database %s: the process %d on %s runs a sink of this name on another store, %s; give one of them another name",
				s.Sink, s.Database, s.PID, s.Host, s.Target)
			return errors.Join(err, store.Close())
		}
	}
	return nil
}

func (p *process) sameStore(s State) bool {
	return s.Target == p.config.Target && (p.config.Anywhere || s.Host == hostname())
}

// work runs the parts of an active process.
func (p *process) work(ctx context.Context, store *Store) error {
	ctx, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	end := store.run(ctx, failed)
	var err error
	if p.awaitActive(ctx, store) {
		p.enter(phaseWaiting, store)
		err = p.move(ctx, store)
	}
	return errors.Join(err, end())
}

// move moves the log into the store until ctx ends.
func (p *process) move(ctx context.Context, store *Store) error {
	log, err := p.openLog(ctx)
	if err != nil || log == nil {
		return err
	}
	defer func() { _ = log.Close() }() // always nil
	mover, err := pump.New(pump.Config{Source: pump.FromBus(log), Log: p.logAtEnd, Sink: store.Sink, Logger: p.config.Logger})
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.pump, p.bus = mover, log
	p.mu.Unlock()
	p.warnOfReader(ctx, log)
	p.enter(phaseActive, store)
	p.config.Logger.Info("active: the sink stores the log", "store", p.config.Target)
	pumping, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var parts sync.WaitGroup
	parts.Go(func() { _ = mover.Run(pumping) }) // always nil: it retries
	if store.Pruner != nil && p.config.keeps() {
		keeper, err := retention.New(store.Pruner, p.config.Retention)
		if err != nil { // was checked
			return err
		}
		parts.Go(func() { _ = keeper.Run(ctx) }) // always nil: it logs
	}
	<-ctx.Done()
	p.drain(ctx, log, mover)
	stop()
	parts.Wait()
	return nil
}

// warnOfReader warns if another process reads the log as a sink of this name, such as
// the database itself. Each would take the consumer from the other again and again.
func (p *process) warnOfReader(ctx context.Context, log *bus.Bus) {
	all, err := log.SinkConsumers(ctx)
	if err != nil {
		p.config.Logger.Warn("it is not known whether another process reads the log as a sink of this name", "error", err)
	}
	for _, c := range all {
		if c.Sink == p.config.Sink && c.Read {
			p.config.Logger.Warn("another process reads the log as a sink of this name, or did so until its machine failed; if it is another sink, give one of them another name")
		}
	}
}

// drain lets the pump reach the end that the log has now.
func (p *process) drain(ctx context.Context, log *bus.Bus, mover *pump.Pump) {
	if errors.Is(context.Cause(ctx), errStoreFailed) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.config.DrainTimeout)
	defer cancel()
	end, err := log.End(ctx)
	if err == nil {
		p.mu.Lock()
		p.end = end
		p.mu.Unlock()
		err = mover.WaitStored(ctx, end.Sequence)
	}
	if err != nil {
		p.config.Logger.Warn("the sink did not store all of the log in time; the rest is stored after the next start", "error", err)
		return
	}
	p.config.Logger.Info("the sink has stored the log up to its end and stops", "sequence", end.Sequence)
}

// logAtEnd is the log that has to be stored before the process stops. It can be another
// one than the process has opened, if somebody has deleted that.
func (p *process) logAtEnd() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.end.Log
}

// openLog opens the log, and waits for it if it is absent or away. It returns nil if ctx
// ends before.
func (p *process) openLog(ctx context.Context) (*bus.Bus, error) {
	for {
		log, err := bus.OpenExisting(ctx, p.config.Server, p.config.Log)
		if ctx.Err() != nil {
			if log != nil {
				_ = log.Close() // always nil
			}
			return nil, nil
		}
		if err == nil && !log.Absent() {
			p.away.Over()
			return log, nil
		}
		if err == nil {
			_ = log.Close() // always nil
			err = fmt.Errorf("the log of database %s does not exist yet; the database creates it when it starts", p.config.Log.Name)
		}
		p.away.Failed(err)
		if !backoff.Sleep(ctx, lookForLog) {
			return nil, nil
		}
	}
}

// enter sets the phase, and reports whether it is another one than before.
func (p *process) enter(phase string, store *Store) (changed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	changed = p.phase != phase
	p.phase, p.store = phase, store
	return changed
}
