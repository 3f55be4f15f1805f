package aimdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/backup"
	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/internal/filelock"
	"github.com/aimdb-go/aimdb/internal/follow"
	"github.com/aimdb-go/aimdb/records"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/pump"
	"github.com/aimdb-go/aimdb/sinks/retention"
)

// checkpointTimeout bounds how long a start waits for the checkpoint of a sink.
const checkpointTimeout = 2 * time.Second

// DB is one database: its records, its log, and the sinks of the log.
type DB struct {
	config    Config
	keeper    *retention.Retention // nil without a backend
	backups   *backup.Keeper       // nil without Config.Backup
	registry  *records.Registry
	gateway   *gateway.Server
	access    *access.List
	ingest    *ingest.Writer
	lock      *filelock.Lock
	server    *natsd.Server // nil if the log is on servers of others
	logServer bus.Server    // the servers that keep the log, whoever runs them
	bus       *bus.Bus
	tail      *follow.Tail
	listeners listeners
	undecoded undecoded
	stored    storedState
	additions additions
	ready     chan struct{}
	gone      chan struct{} // closed when the database is
	life      life
	stopping  stopping
	web       webCounts
	writing   atomic.Bool // the backend is at work
	stopped   bool        // opened by OpenStopped

	mu sync.Mutex
	// pumps are those into the backend, which is the first if there is one, and
	// into the other sinks. There are none before Run.
	pumps []*pump.Pump
}

// New opens a database with options. See [Open].
func New(opts ...Option) (*DB, error) {
	var c Config
	var errs []error
	for _, opt := range opts {
		errs = append(errs, opt(&c))
	}
	return open(c, errors.Join(errs...))
}

// Open opens a database: its directory, its log and its listeners. It fails
// early, and then leaves nothing open. A caller that does not call Run has to
// call Close.
func Open(c Config) (*DB, error) { return open(c, nil) }

func open(c Config, wrong error) (*DB, error) {
	c, err := c.checked()
	err = errors.Join(wrong, err)
	db := &DB{config: c, ready: make(chan struct{}), gone: make(chan struct{})}
	db.stopping.begun = make(chan struct{})
	if err == nil {
		err = db.open()
	}
	if err != nil {
		return nil, errors.Join(err, db.release())
	}
	return db, nil
}

// open acquires everything outside the process, the lock first.
func (db *DB) open() (err error) {
	c := db.config
	if c.Backend != nil {
		if db.keeper, err = c.retention(); err != nil {
			return err
		}
		if db.backups, err = c.backups(); err != nil {
			return err
		}
	}
	if c.Dir != "" {
		if db.lock, err = lockDir(c.Dir); err != nil {
			return err
		}
	}
	db.registry = records.NewRegistry(records.RegistryOptions{Logger: c.Logger, Grace: stageGrace(c.DrainTimeout)})
	if db.access, err = access.NewList(c.Tokens, c.Users); err != nil {
		return fmt.Errorf("aimdb: tokens and users: %w", err)
	}
	db.ingest = db.newIngest()
	db.gateway = db.newGateway()
	if err := db.listeners.open(c); err != nil {
		return err
	}
	if err := db.openLog(context.Background()); err != nil {
		return fmt.Errorf("aimdb: open the log of database %q: %w", c.Name, err)
	}
	db.tail = follow.NewTail(db.bus)
	db.config.warnOfExposure(db.natsAddr(), addrOf(db.listeners.tcp), addrOf(db.listeners.web))
	return nil
}

// storedTail returns the greatest sequence of the log that a sink has stored. A
// sink that does not answer now is asked again by its pump.
func (db *DB) storedTail() (tail uint64) {
	for _, sink := range db.allSinks() {
		ctx, cancel := context.WithTimeout(context.Background(), checkpointTimeout)
		at, err := sink.Checkpoint(ctx)
		cancel()
		if err != nil {
			db.config.Logger.Warn("a sink does not say how far it has stored the log", "database", db.config.Name, "sink", sink.Name(), "error", err)
			continue
		}
		if at.Log == db.bus.Identity() {
			tail = max(tail, at.Sequence)
		}
	}
	return tail
}

// allSinks returns the backend, if there is one, and the other sinks.
func (db *DB) allSinks() []sinks.Sink {
	if db.config.Backend == nil {
		return db.config.Sinks
	}
	return append([]sinks.Sink{db.config.Backend}, db.config.Sinks...)
}

// Name returns the name of the database.
func (db *DB) Name() string { return db.config.Name }

// Ready is closed when Run has brought the records back from history and serves.
func (db *DB) Ready() <-chan struct{} { return db.ready }

// Registry returns the records without their types, for tools.
func (db *DB) Registry() *records.Registry { return db.registry }

// Access returns who may do what, for handlers and listeners of the caller. A reload of
// tokens and users is a Replace.
func (db *DB) Access() *access.List { return db.access }

// Ingest returns what sets records from outside, for ways in of the caller.
func (db *DB) Ingest() *ingest.Writer { return db.ingest }

// Call runs one method of AimX, such as record.query, for a way in or out of the caller.
// The error is a [*aimx.Refusal]. It needs Run, like a client.
func (db *DB) Call(ctx context.Context, c gateway.Call) (json.RawMessage, error) {
	return db.gateway.Call(ctx, c)
}

// Flush returns when all that was accepted before the call is stored: committed
// in the backend and safe from a power loss. Without a backend it waits for the
// log and for every sink. It waits for Run to serve. [DB.FlushSink] waits for one
// of the other sinks of a database with a backend.
func (db *DB) Flush(ctx context.Context) error {
	return db.flush(ctx, func(pumps []*pump.Pump) ([]*pump.Pump, error) {
		if db.config.Backend != nil {
			return pumps[:1], nil
		}
		return pumps, nil
	})
}

// FlushSink is Flush for the sink with a name.
func (db *DB) FlushSink(ctx context.Context, name string) error {
	return db.flush(ctx, func(pumps []*pump.Pump) ([]*pump.Pump, error) {
		for i, p := range pumps {
			if p.Stats().Sink == name {
				return pumps[i : i+1], nil
			}
		}
		return nil, fmt.Errorf("there is no sink %q", name)
	})
}

func (db *DB) flush(ctx context.Context, choose func([]*pump.Pump) ([]*pump.Pump, error)) error {
	select {
	case <-db.ready:
	case <-db.gone:
	case <-ctx.Done():
		return db.failed(ctx.Err(), "flush: database %q does not run", db.config.Name)
	}
	if db.closed() {
		return fmt.Errorf("aimdb: flush: %w", ErrClosed)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // a closed database stores nothing more
		select {
		case <-db.gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	pumps, err := choose(db.allPumps())
	if err != nil {
		return db.failed(err, "flush")
	}
	last, err := db.bus.Flush(ctx, db.registry)
	if err != nil {
		return db.failed(err, "flush to the log")
	}
	for _, p := range pumps {
		if err := p.WaitStored(ctx, last); err != nil {
			return db.failed(err, "flush to the sink %s", p.Stats().Sink)
		}
	}
	return nil
}

func (db *DB) allPumps() []*pump.Pump {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.pumps
}

// Close releases a database that is not running, and ends one that is as the end
// of its context would. Calling it again does nothing.
func (db *DB) Close() error {
	return db.life.close(db.release)
}

// release releases what open acquired, the lock last.
func (db *DB) release() error {
	close(db.gone)
	var errs []error
	if db.registry != nil {
		db.registry.Close()
	}
	errs = append(errs, db.noteUnlogged(), db.listeners.close())
	if db.bus != nil {
		errs = append(errs, db.bus.Close())
	}
	if db.server != nil {
		errs = append(errs, db.server.Close())
	}
	switch {
	case db.config.Backend == nil:
	case db.writing.Load():
		errs = append(errs, errors.New("aimdb: the backend is left open, because it is still at work; end the process"))
	default:
		errs = append(errs, db.config.Backend.Close())
	}
	errs = append(errs, db.lock.Release())
	return errors.Join(errs...)
}
