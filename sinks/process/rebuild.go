package process

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/pump"
)

const (
	// nearEnd is how many messages a rebuilt store may lack: the sink reads them after
	// the switch.
	nearEnd = 2000
	// rounds bounds how often the end of the log is looked at.
	rounds = 50
)

// Rebuild fills an empty store from a log, beginning at a sequence, until it is near the
// end of the log. Config is that of [Run]; Sink is a name of its own, whose consumer is
// deleted in the end. finish is called before the store is closed, and may be nil.
func Rebuild(ctx context.Context, c Config, from uint64, finish func(context.Context, *Store) error) (err error) {
	if c, err = c.checked(); err != nil {
		return err
	}
	log, err := bus.OpenExisting(ctx, c.Server, c.Log)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // always nil
	if log.Absent() {
		return fmt.Errorf("rebuild a store: database %s has no log on these servers", c.Log.Name)
	}
	store, err := c.Open(ctx)
	if err != nil {
		return err
	}
	ctx, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	end := store.run(ctx, failed)
	err = fill(ctx, c, log, store.Sink, from)
	if err == nil && finish != nil {
		err = finish(ctx, store)
	}
	return errors.Join(err, end(), store.Close(), log.RemoveSink(context.WithoutCancel(ctx), c.Sink))
}

// fill moves the log into a sink that has nothing.
func fill(ctx context.Context, c Config, log *bus.Bus, sink sinks.Sink, from uint64) error {
	begin := &sinks.Batch{Checkpoint: history.Position{Log: log.Identity(), Sequence: max(from, 1) - 1}}
	if err := sink.Write(ctx, begin); err != nil {
		return fmt.Errorf("rebuild a store: it has to be empty: %w", err)
	}
	mover, err := pump.New(pump.Config{Source: pump.FromBus(log), Sink: sink, Logger: c.Logger})
	if err != nil {
		return err
	}
	pumping, stop := context.WithCancel(ctx)
	var parts sync.WaitGroup
	parts.Go(func() { _ = mover.Run(pumping) }) // always nil: it retries
	defer parts.Wait()
	defer stop()
	for range rounds {
		end, err := log.End(ctx)
		if err == nil && end.Log != log.Identity() {
			return fmt.Errorf("rebuild a store: the log %s was deleted and is %s now; begin again", log.Identity(), end.Log)
		}
		if err == nil {
			err = mover.WaitStored(ctx, end.Sequence)
		}
		if err != nil {
			return fmt.Errorf("rebuild a store: %w", errors.Join(err, context.Cause(ctx)))
		}
		lag, err := log.Lag(ctx, end.Sequence)
		if err != nil {
			return fmt.Errorf("rebuild a store: %w", err)
		}
		if lag.Messages <= nearEnd {
			return nil
		}
	}
	return errors.New("rebuild a store: the log grows faster than the store is filled; try again when less is written")
}
