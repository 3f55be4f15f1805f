package aimdb

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/sinks/pump"
)

// Run checks the graph of the stages, runs the database until ctx ends or a part
// of it fails, and closes it. It returns nil if ctx ended it and nothing went
// wrong. It returns within [DrainTimeout] after that, with an error that names what
// has not ended by then, such as a tap that ignores its context.
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

// assemble wires the parts of the database and runs them. They are added in the
// order in which they end; see the table in shutdown.go.
func (db *DB) assemble(ctx context.Context) error {
	group := newActors(db.config.DrainTimeout, db.config.Logger)
	group.add(part{name: "the wait for the end", loop: func(stop context.Context) error { return db.wait(ctx, stop) }})
	db.addGateway(group)
	db.addService(group)
	group.add(part{name: "the stages", loop: db.whenReady(db.registry.Run), busy: db.registry.Busy, share: stagesShare})
	if db.config.Declare == nil || db.config.Backend == nil { // the start does it
		if err := db.admitReaders(); err != nil {
			return err
		}
	}
	republisher := db.bus.Republisher(db.registry)
	group.add(part{name: "the republisher", loop: republisher.Run, stop: republisher.EndBy, share: republisherShare})
	if err := db.addSinks(group); err != nil {
		return err
	}
	group.add(part{name: "the log", loop: db.bus.Run, share: otherShare})
	begin := time.Now()
	err := group.run()
	db.config.Logger.Info("the database has stopped", "database", db.config.Name,
		"error", err, "uptime", time.Since(begin).Round(time.Millisecond))
	return err
}

// wait is the actor that ends the group with the caller's context.
func (db *DB) wait(ctx, stop context.Context) error {
	select {
	case <-ctx.Done():
		db.stopping.begin()
		db.config.Logger.Info("the database stops", "database", db.config.Name, "within", db.config.DrainTimeout)
	case <-stop.Done():
		db.stopping.begin()
	}
	return nil
}

// whenReady delays a loop until the records are back from history.
func (db *DB) whenReady(loop func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-db.ready:
			return loop(ctx)
		case <-ctx.Done():
			return nil
		}
	}
}

// newGateway returns the gateway of the database. It serves nothing yet.
func (db *DB) newGateway() *gateway.Server {
	c := gateway.Config{
		Registry: db.registry, RemoteHistory: !db.config.PrivateHistory, Sinks: db.sinkInfos, Health: db.Troubles,
		Name: db.config.Name, Origins: db.config.Origins, Access: db.access, Ingest: db.ingest.Via("aimx"), Limits: db.config.Clients, Logger: db.config.Logger,
	}
	c.Upkeep.State, c.Upkeep.Ledgers = db.databaseState, db.ledgers
	if db.config.Backend != nil {
		c.Upkeep.Usage, c.Upkeep.Retention, c.Upkeep.TryRetention = db.usage, db.retention, db.tryRetention
		c.History, c.Verify, c.Migrate, c.Follow = db.history(), db.Verify, db.migrateHistory, db.followForGateway
	}
	return gateway.New(c)
}

// Handler serves AimX at /ws, its client for web pages at /aimx.js, the protocol version at
// /version and the state of the database at /health, for the mux of a caller. Before Run serves and after it has
// ended, it answers 503. It needs no option [HTTP].
func (db *DB) Handler() http.Handler {
	handler := db.gateway.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-db.ready:
		default:
			http.Error(w, "the database is starting", http.StatusServiceUnavailable)
			return
		}
		if db.closed() {
			http.Error(w, "the database is closed", http.StatusServiceUnavailable)
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// addGateway serves the listeners, and ends the connections of Handler.
func (db *DB) addGateway(group *actors) {
	if db.listeners.web != nil {
		web := db.newWebServer()
		group.add(part{name: "the web server", loop: web.run, stop: web.drain, share: gatewayShare})
	}
	for _, socket := range db.listeners.sockets {
		serve := func(ctx context.Context) error { return db.gateway.Serve(ctx, socket) }
		group.add(part{name: "the gateway at " + socket.Addr().String(), loop: db.whenReady(serve), share: gatewayShare})
	}
	if tcp := db.listeners.tcp; tcp != nil {
		serve := func(ctx context.Context) error { return db.gateway.ServeTCP(ctx, tcp) }
		group.add(part{name: "the gateway at " + tcp.Addr().String(), loop: db.whenReady(serve), share: gatewayShare})
	}
	group.add(part{name: "the gateway", share: gatewayShare, loop: func(ctx context.Context) error {
		<-ctx.Done()
		return db.gateway.Close() // WebSockets, which a web server does not know any more
	}})
}

// addSinks adds the pumps, the retention and the backend, and the start, which
// brings the records back from history.
func (db *DB) addSinks(group *actors) error {
	var pumps []*pump.Pump
	refilled, release := context.WithCancel(context.Background())
	for i, sink := range db.allSinks() {
		source := pump.FromBus(db.bus)
		if i == 0 && db.config.Backend != nil {
			source = startSource{Source: source, last: db.bus.OpenedAt(), release: refilled.Done()}
		}
		p, err := pump.New(pump.Config{
			Source: source, Log: db.bus.Identity, Sink: sink, Volatile: db.config.volatile(), Logger: db.config.Logger, OnBatch: db.config.OnBatch,
		})
		if err != nil {
			release()
			return db.failed(err, "connect the sink %q to the log", sink.Name())
		}
		o := &outlet{db: db, pump: p, release: release}
		group.add(part{name: "the pump into sink " + sink.Name(), loop: o.run, stop: o.drain, share: pumpShare})
		pumps = append(pumps, p)
	}
	db.mu.Lock()
	db.pumps = pumps
	db.mu.Unlock()
	if db.config.Backend == nil {
		release()
		close(db.ready)
		return nil
	}
	if db.backups != nil {
		group.add(part{name: "the backups", loop: db.whenReady(db.backups.Run), share: otherShare})
	}
	group.add(part{name: "the retention", loop: db.keeper.Run, share: otherShare})
	refill := func(ctx context.Context) error { return db.refill(ctx, release) }
	group.add(part{name: "the start", loop: refill, share: otherShare})
	group.add(part{name: "the backend", loop: db.runBackend, share: otherShare})
	return nil
}

// runBackend tells release whether the backend is at work.
func (db *DB) runBackend(ctx context.Context) error {
	db.writing.Store(true)
	defer db.writing.Store(false)
	return db.config.Backend.Run(ctx)
}

// life makes sure that a database runs at most once and is released once.
type life struct {
	mu      sync.Mutex
	started bool
	stop    context.CancelFunc
	done    chan struct{}
	once    sync.Once
	err     error
}

// start returns the context of the one run.
func (l *life) start(ctx context.Context) (context.Context, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.started {
		return nil, ErrRan
	}
	l.started = true
	l.done = make(chan struct{})
	ctx, l.stop = context.WithCancel(ctx)
	return ctx, nil
}

// end marks the run as over.
func (l *life) end() {
	l.stop()
	close(l.done)
}

// close ends a run and waits for it, and otherwise releases.
func (l *life) close(release func() error) error {
	l.mu.Lock()
	running := l.done
	l.started = true
	if l.stop != nil {
		l.stop()
	}
	l.mu.Unlock()
	if running != nil {
		<-running
		return l.err
	}
	return l.release(release)
}

// release calls release the first time only.
func (l *life) release(release func() error) error {
	l.once.Do(func() { l.err = release() })
	return l.err
}
