package aimdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/pump"
)

// pumpShare is how much of the time left for a shutdown a pump may take; those
// behind it have next to nothing to do.
const pumpShare = 0.9

// Run checks the graph of the stages, runs the database until ctx ends or a
// part of it fails, and closes it. It returns nil if ctx ended it and nothing
// went wrong. It returns within the time of [DrainTimeout] after that, with an
// error that names what has not ended by then, such as a tap that does not heed
// its context.
func (db *DB) Run(ctx context.Context) error {
	ctx, err := db.life.start(ctx)
	if err != nil {
		return err
	}
	defer db.life.end()
	err = db.registry.Build()
	if err == nil {
		err = db.assemble(ctx)
	}
	return errors.Join(err, db.life.release(db.release))
}

// assemble wires the parts of the database and runs them. The order is the
// order in which they end: who takes from outside first, then along the way of
// a value from its ring to the backend.
//
//	gateway ─ stages ─ republisher ─ pump ─ retention ─ backend ─ log server
func (db *DB) assemble(ctx context.Context) error {
	group := newActors(db.config.drain, db.config.logger)
	group.add(part{name: "the wait for the end", loop: func(stop context.Context) error { return db.wait(ctx, stop) }})
	db.addGateway(group)
	group.add(part{name: "the stages", loop: db.whenReady(db.registry.Run), busy: db.registry.Busy})
	republisher := db.bus.Republisher(db.registry)
	group.add(part{name: "the republisher", loop: republisher.Run, stop: republisher.EndBy})
	if err := db.addHistory(group); err != nil {
		return err
	}
	group.add(part{name: "the log", loop: db.bus.Run})
	begin := time.Now()
	err := group.run()
	db.config.logger.Info("the database has stopped", "database", db.config.name,
		"error", err, "uptime", time.Since(begin).Round(time.Millisecond))
	return err
}

// wait is the actor that ends the group with the caller's context.
func (db *DB) wait(ctx, stop context.Context) error {
	select {
	case <-ctx.Done():
		db.config.logger.Info("the database stops", "database", db.config.name, "within", db.config.drain)
	case <-stop.Done():
	}
	return nil
}

// awaitReady returns false if ctx ends first.
func (db *DB) awaitReady(ctx context.Context) bool {
	select {
	case <-db.ready:
		return true
	case <-ctx.Done():
		return false
	}
}

// addGateway serves the listeners once the records are back.
func (db *DB) addGateway(group *actors) {
	c := aimx.Config{Registry: db.registry, Name: db.config.name, Origins: db.config.origins, Logger: db.config.logger}
	if db.config.backend != nil {
		c.History = db.config.backend
	}
	gateway := aimx.NewServer(c)
	for _, socket := range db.listeners.sockets {
		serve := func(ctx context.Context) error { return gateway.Serve(ctx, socket) }
		group.add(part{name: "the gateway at " + socket.Addr().String(), loop: db.whenReady(serve)})
	}
	if db.listeners.web != nil {
		serve := func(ctx context.Context) error { return db.listeners.serve(ctx, gateway) }
		group.add(part{name: "the web server", loop: db.whenReady(serve)})
	}
}

func (db *DB) whenReady(loop func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if !db.awaitReady(ctx) {
			return nil
		}
		return loop(ctx)
	}
}

// addHistory adds the pumps, the retention and the backend, and the step that
// brings the records back before anything is served.
func (db *DB) addHistory(group *actors) error {
	for _, sink := range db.config.sinks {
		if _, err := db.addPump(group, sink); err != nil {
			return err
		}
	}
	backend := db.config.backend
	if backend == nil {
		close(db.ready)
		return nil
	}
	pump, err := db.addPump(group, backend)
	if err != nil {
		return err
	}
	db.pump.Store(pump)
	group.add(part{name: "the retention", loop: db.config.keeper.Run})
	group.add(part{name: "the start", loop: db.refill})
	group.add(part{name: "the backend", loop: db.runBackend})
	return nil
}

// addPump connects a sink to the log.
func (db *DB) addPump(group *actors, sink sinks.Sink) (*pump.Pump, error) {
	pump, err := pump.New(pump.Config{
		Source: pump.FromBus(db.bus), Sink: sink, Volatile: db.config.dir == "",
		Logger: db.config.logger,
	})
	if err != nil {
		return nil, fmt.Errorf("aimdb: connect the sink %q to the log: %w", sink.Name(), err)
	}
	o := &outlet{db: db, pump: pump}
	group.add(part{name: "the pump into sink " + sink.Name(), loop: o.run, stop: o.drain, share: pumpShare})
	return pump, nil
}

// runBackend notes for release whether the backend is at work.
func (db *DB) runBackend(ctx context.Context) error {
	db.writing.Store(true)
	defer db.writing.Store(false)
	return db.config.backend.Run(ctx)
}
