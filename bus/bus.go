package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/histogram"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Bus is the log of one database.
type Bus struct {
	config   Config
	log      *slog.Logger
	server   Server
	subjects subjects
	stream   string
	// run is the random name of this run of the process, since the sequence of its first
	// marker on a shared server.
	run   string
	since atomic.Uint64
	// stateAtOpen is what the log held when it was opened.
	stateAtOpen jetstream.StreamState
	// absent says that the server has no such log. Only OpenExisting admits that.
	absent bool
	// ofSites says that the stream is that of a hub.
	ofSites bool
	// leftBehind has the losses of the last stop by record.
	leftBehind map[string]loss.Loss
	// answerTimeout bounds the wait for an answer of the stream. Tests shorten it.
	answerTimeout time.Duration
	// blocked knows whether the disk of the server takes data.
	blocked *blocked
	// appends is Stats.AppendSeconds.
	appends *histogram.Histogram

	nc *nats.Conn
	js jetstream.JetStream

	mu sync.Mutex
	origin
	sinks       map[string]*attached // since Open
	republisher *Republisher

	closeOnce sync.Once
	closed    chan struct{}
}

// Open opens the log of a database in a server, or creates it. The caller owns the
// server and closes it after the Bus. Unless the server is Shared, Open refuses one that
// holds the log of another database.
func Open(ctx context.Context, server Server, config Config) (*Bus, error) {
	b, err := newBus(server, config)
	if err != nil {
		return nil, err
	}
	if err := b.open(ctx); err != nil {
		return nil, errors.Join(err, b.forbidden(), b.Close())
	}
	return b, nil
}

// forbidden returns what the server has refused to the connection. Requests that it
// refuses get no answer.
func (b *Bus) forbidden() error {
	if b.nc == nil {
		return nil
	}
	if err := b.nc.LastError(); errors.Is(err, nats.ErrPermissionViolation) {
		return fmt.Errorf("bus: the user of the program lacks a permission on the NATS server: %w", err)
	}
	return nil
}

// newBus returns a Bus that is not connected.
func newBus(server Server, config Config) (*Bus, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Bus{
		server: server, config: config, log: config.Logger, subjects: subjects{config.Name}, stream: StreamName(config.Name),
		run: rand.Text(), sinks: map[string]*attached{}, closed: make(chan struct{}), answerTimeout: defaultAnswerTimeout,
		appends: histogram.Seconds(), blocked: newBlocked(),
	}, nil
}

// connect connects to the server and reads the mark.
func (b *Bus) connect(ctx context.Context) (err error) {
	if b.nc, err = b.server.Connect(ctx, "manage"); err != nil {
		return err
	}
	if b.js, err = b.jetStream(b.nc); err != nil {
		return err
	}
	if b.config.StateDir != "" {
		if b.mark, err = readMark(b.markPath()); err != nil {
			b.log.Error("bus: the log is opened without its mark; if it has lost its end, that is not noticed", "error", err)
		}
	}
	return nil
}

// jetStream returns the JetStream that keeps the log, over a connection.
func (b *Bus) jetStream(nc *nats.Conn) (js jetstream.JetStream, err error) {
	if b.config.Domain == "" {
		js, err = jetstream.New(nc)
	} else {
		js, err = jetstream.NewWithDomain(nc, b.config.Domain)
	}
	if err != nil {
		return nil, fmt.Errorf("bus: use JetStream of the server: %w", err)
	}
	return js, nil
}

func (b *Bus) open(ctx context.Context) error {
	if err := b.connect(ctx); err != nil {
		return err
	}
	identity, state, err := openStream(ctx, b.js, b.config, b.subjects, b.mark.Log)
	if err != nil {
		return err
	}
	b.identity, b.endAtOpen, b.stateAtOpen = identity, state.LastSeq, state
	b.checkHead(state)
	return b.server.SyncMetadata()
}

func (b *Bus) markPath() string { return filepath.Join(b.config.StateDir, "log.mark") }
func (b *Bus) notePath() string { return filepath.Join(b.config.StateDir, "log.unlogged") }

// Identity identifies the log. A log that is created again after it was deleted has
// another identity, and so has the log of another database.
func (b *Bus) Identity() string { return b.current().identity }

// Name returns the name of the database.
func (b *Bus) Name() string { return b.config.Name }

// OpenedAt returns the last sequence that the log had before this run: all later
// ones are of values of this run. It does not change after Restore,
// except to 0 if the log is deleted and created again.
func (b *Bus) OpenedAt() uint64 { return b.current().endAtOpen }

// LastSequence returns the last sequence of the log.
func (b *Bus) LastSequence(ctx context.Context) (uint64, error) {
	state, err := b.state(ctx)
	return state.LastSeq, err
}

// End returns the end of the log that is there now. On a shared server that can be another
// log than was opened.
func (b *Bus) End(ctx context.Context) (history.Position, error) {
	log, state, err := b.look(ctx)
	return history.Position{Log: log.identity, Sequence: state.LastSeq}, err
}

func (b *Bus) state(ctx context.Context) (jetstream.StreamState, error) {
	s, err := b.js.Stream(ctx, b.stream)
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("bus: read the state of the log: %w", err)
	}
	return s.CachedInfo().State, nil
}

// Close closes the connection to the server. Calls that are in progress return
// errors. Close may be called again.
func (b *Bus) Close() error {
	b.closeOnce.Do(func() {
		close(b.closed)
		if b.nc != nil {
			b.nc.Close()
		}
	})
	return nil
}
