package aimdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/records"
	"github.com/aimdb-go/aimdb/sinks/pump"
)

// ErrClosed says that the database is closed.
var ErrClosed = errors.New("aimdb: the database is closed")

// DB is one database: its records, its log, and what hangs behind them.
type DB struct {
	config    config
	registry  *records.Registry
	lock      *lock
	server    *natsd.Server
	bus       *bus.Bus
	pump      atomic.Pointer[pump.Pump] // nil before Run, and without a backend
	listeners listeners
	undecoded undecoded
	ready     chan struct{}
	gone      chan struct{} // closed when the database is
	life      life
	writing   atomic.Bool // the backend is at work
}

// New opens a database: its directory, its log and everything that is to
// listen. It fails early, and then leaves nothing open. Whoever does not call
// Run has to call Close.
func New(opts ...Option) (*DB, error) {
	c, err := newConfig(opts)
	db := &DB{config: c, ready: make(chan struct{}), gone: make(chan struct{})}
	if err == nil {
		err = db.open()
	}
	if err != nil {
		return nil, errors.Join(err, db.release())
	}
	return db, nil
}

// open takes hold of everything outside the process, the lock first.
func (db *DB) open() error {
	c := db.config
	logDir := ""
	if c.dir != "" {
		l, err := lockDir(c.dir)
		if err != nil {
			return err
		}
		db.lock = l
		logDir = filepath.Join(c.dir, "log")
		if err := os.MkdirAll(logDir, 0o750); err != nil {
			return fmt.Errorf("aimdb: make the directory of the log: %w", err)
		}
	}
	db.registry = records.NewRegistry(records.RegistryOptions{
		Logger: c.logger,
		Grace:  c.drain * 2 / 5, // a little less than what the shutdown waits for stages
	})
	if err := db.listeners.open(c); err != nil {
		return err
	}
	if err := db.openLog(logDir); err != nil {
		return fmt.Errorf("aimdb: open the log of database %q: %w", c.name, err)
	}
	return nil
}

// openLog starts the embedded server and opens the log that it keeps.
func (db *DB) openLog(dir string) (err error) {
	c := db.config
	db.server, err = natsd.Open(natsd.Config{
		Name: "aimdb-" + c.name, Dir: dir, Listen: c.nats, Access: c.access,
		Stream: bus.StreamName(c.name), Subjects: bus.ReadSubjects(c.name), MaxMessage: bus.DefaultMaxMessage,
		SyncInterval: c.logSync, SyncAlways: c.durable, Logger: c.logger,
	})
	if err != nil {
		return err
	}
	db.bus, err = bus.Open(context.Background(), db.server, bus.Config{
		Name: c.name, Memory: dir == "", MaxAge: c.logAge, MaxBytes: c.logBytes, Durable: c.durable,
		Publisher: func() bus.Publisher { return db.server.Publisher() }, Logger: c.logger,
	})
	return err
}

// Name returns the name of the database.
func (db *DB) Name() string { return db.config.name }

// Ready is closed when Run has brought the records back from history and
// serves.
func (db *DB) Ready() <-chan struct{} { return db.ready }

// Registry returns the records without their types, for tools.
func (db *DB) Registry() *records.Registry { return db.registry }

// Flush returns when all that was accepted before the call is stored: committed
// in the backend and safe from a power loss. Without a backend it returns when
// the log has everything. It waits for Run to serve.
func (db *DB) Flush(ctx context.Context) error {
	select {
	case <-db.ready:
	case <-db.gone:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("aimdb: flush: database %q does not run: %w", db.config.name, ctx.Err())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // a database that has ended stores nothing more
		select {
		case <-db.gone:
			cancel(ErrClosed)
		case <-ctx.Done():
		}
	}()
	last, err := db.bus.Flush(ctx, db.registry)
	if err != nil {
		return fmt.Errorf("aimdb: flush to the log: %w", because(ctx, err))
	}
	pump := db.pump.Load()
	if pump == nil {
		return nil
	}
	if err := pump.WaitStored(ctx, last); err != nil {
		return fmt.Errorf("aimdb: flush to the backend: %w", because(ctx, err))
	}
	return nil
}

// because adds to an error that the database has ended, if that is its cause.
func because(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrClosed) {
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return err
}

// Close releases a database that is not running, and ends one that is as the
// end of its context would. Calling it again does nothing.
func (db *DB) Close() error {
	return db.life.close(db.release)
}

// release closes what open took hold of, the lock last.
func (db *DB) release() error {
	close(db.gone)
	var errs []error
	if db.registry != nil {
		db.registry.Close()
	}
	errs = append(errs, db.listeners.close())
	if db.bus != nil {
		errs = append(errs, db.bus.Close())
	}
	if db.server != nil {
		errs = append(errs, db.server.Close())
	}
	switch {
	case db.config.backend == nil:
	case db.writing.Load():
		errs = append(errs, errors.New("aimdb: the backend is left open, because it is still at work; end the process"))
	default:
		errs = append(errs, db.config.backend.Close())
	}
	errs = append(errs, db.lock.release())
	return errors.Join(errs...)
}
