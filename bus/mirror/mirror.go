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
	"github.com/aimdb-go/aimdb/history"
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
	// last are the sequences of the last values by record, and read is how far the log was
	// read. They belong to Run.
	last  map[*records.Untyped]uint64
	read  history.Position
	ready chan struct{}
	once  sync.Once
	log   current
	// known is how far the log was read, for those that wait.
	known progress
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
		config: c, last: map[*records.Untyped]uint64{}, ready: make(chan struct{}), log: current{changed: make(chan struct{})},
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
	if err := m.begin(ctx, log); err != nil {
		return err
	}
	m.outage.Over()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m.log.set(log, ctx)
	defer m.log.set(nil, nil)
	m.once.Do(func() { close(m.ready) })
	return m.follow(ctx, log)
}

// begin decides from where the log is read. For the first time that is its end, after the
// last values were loaded. Later it is where reading had ended, the start of a log that has
// taken the place of that one, or the end of one that has lost its end.
func (m *Mirror) begin(ctx context.Context, log *bus.Bus) error {
	end, err := log.End(ctx)
	if err != nil {
		return err
	}
	switch {
	case m.read.Log == "":
		if err := m.load(ctx, log); err != nil {
			return err
		}
		m.read = end
	case m.read.Log != end.Log:
		clear(m.last)
		m.read = history.Position{Log: end.Log}
	case end.Sequence < m.read.Sequence:
		clear(m.last)
		m.read = end
	}
	m.known.set(m.read.Sequence)
	return nil
}

// follow produces values as they come.
func (m *Mirror) follow(ctx context.Context, log *bus.Bus) error {
	ctx, end := context.WithCancelCause(ctx)
	r := &reading{bus: log, values: make(chan bus.Message), end: end}
	after := m.read
	r.read.Store(after.Sequence)
	var parts sync.WaitGroup
	parts.Go(func() { r.forward(ctx, log.FollowLog(ctx, after)) })
	parts.Go(func() { r.forward(ctx, log.FollowLive(ctx)) })
	parts.Go(func() { r.watch(ctx) })
	defer parts.Wait()
	defer end(nil)
	for {
		select {
		case v := <-r.values:
			if err := m.take(v); err != nil {
				return err
			}
			m.read.Sequence = max(m.read.Sequence, v.Sequence)
			m.known.set(m.read.Sequence)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
