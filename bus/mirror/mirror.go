package mirror

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/internal/backoff"
	"github.com/aimdb-go/aimdb/internal/outage"
	"github.com/aimdb-go/aimdb/records"
)

// Capacity is the number of values that a record keeps for subscribers that are slow.
const Capacity = 256

// lookAtLog is how often the mirror looks whether the log is still the same.
const lookAtLog = 2 * time.Second

// ErrExposure says that a record was Remote and is not any more, or the other way round.
var ErrExposure = errors.New("a record has changed who may read it")

// Config says which database is shown.
type Config struct {
	// Server keeps the log.
	Server bus.Server
	// Log says which log: Name is that of the database, Domain the JetStream domain.
	Log bus.Config
	// Logger may be nil.
	Logger *slog.Logger
}

// Mirror shows the records of a database. Run reads them.
type Mirror struct {
	config   Config
	registry *records.Registry
	outage   *outage.Outage
	// now is the time of the value that is being produced.
	now atomic.Int64
	// last are the sequences of the last values by record, read is the greatest of them,
	// and identity is the log that they are of. They belong to Run.
	last     map[*records.Untyped]uint64
	read     uint64
	identity string
	ready    chan struct{}
	once     sync.Once
}

// New makes a mirror without records.
func New(c Config) (*Mirror, error) {
	if c.Server == nil || c.Log.Name == "" {
		return nil, errors.New("mirror: a server and the name of a database are needed")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Log.Logger, c.Log.Shared = c.Logger, true
	m := &Mirror{
		config: c, last: map[*records.Untyped]uint64{}, ready: make(chan struct{}),
		outage: outage.New(c.Logger, "mirror: the log cannot be read; the last values stay", "mirror: the log is read"),
	}
	m.registry = records.NewRegistry(records.RegistryOptions{Logger: c.Logger, Now: func() time.Time { return time.UnixMilli(m.now.Load()) }})
	return m, m.registry.Build()
}

// Registry returns the records.
func (m *Mirror) Registry() *records.Registry { return m.registry }

// Ready is closed when the records have their last values for the first time.
func (m *Mirror) Ready() <-chan struct{} { return m.ready }

// Health says why the log cannot be read, and nothing if it can.
func (m *Mirror) Health() []string {
	if state := m.outage.State(); state.Text != "ok" {
		return []string{"log: " + state.Text}
	}
	return nil
}

// Run reads the log and the live values until ctx ends, and then returns nil. Any other
// end is ErrExposure. It can be called once.
func (m *Mirror) Run(ctx context.Context) error {
	defer m.registry.Close()
	pause := backoff.Backoff{First: 100 * time.Millisecond, Longest: 3 * time.Second}
	for failures := 1; ; failures++ {
		err := m.session(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ErrExposure) {
			return err
		}
		if m.outage.State().Since.IsZero() {
			failures = 1 // it has worked
		}
		m.outage.Failed(err)
		if pause.Wait(ctx, failures) != nil {
			return nil
		}
	}
}

// session reads until an error.
func (m *Mirror) session(ctx context.Context) error {
	log, err := bus.OpenExisting(ctx, m.config.Server, m.config.Log)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // always nil
	if log.Absent() {
		return fmt.Errorf("the log of database %s does not exist; the database creates it when it starts", m.config.Log.Name)
	}
	read, err := log.LastSequence(ctx)
	if err != nil {
		return err
	}
	if log.Identity() != m.identity || read < m.read { // its sequences begin again
		clear(m.last)
		m.identity, m.read = log.Identity(), 0
	}
	if err := m.load(ctx, log); err != nil {
		return err
	}
	m.outage.Over()
	m.once.Do(func() { close(m.ready) })
	return m.follow(ctx, log, read)
}

// follow produces values as they come.
func (m *Mirror) follow(ctx context.Context, log *bus.Bus, read uint64) error {
	ctx, end := context.WithCancelCause(ctx)
	r := &reading{bus: log, values: make(chan bus.Message), end: end}
	r.read.Store(read)
	var parts sync.WaitGroup
	parts.Go(func() { r.followLog(ctx, read) })
	parts.Go(func() { r.followLive(ctx) })
	parts.Go(func() { r.watch(ctx) })
	defer parts.Wait()
	defer end(nil)
	for {
		select {
		case v := <-r.values:
			if err := m.take(v); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
