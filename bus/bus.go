package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

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
	identity string
	// endAtOpen is the last sequence of the log at the time of Open, after Restore
	// that of the log as it was restored.
	endAtOpen uint64
	// stateAtOpen is what the log held when it was opened.
	stateAtOpen jetstream.StreamState
	// mark is what the log held according to its mark when it was opened, and
	// damagedTo the end of what has vanished from its start.
	mark      Mark
	damagedTo uint64
	// absent says that the server has no such log. Only OpenExisting admits that.
	absent bool
	// ofSites says that the stream is that of a hub.
	ofSites bool
	// leftBehind has the losses of the last stop by record.
	leftBehind map[string]loss.Loss
	// answerTimeout bounds the wait for an answer of the stream. Tests shorten it.
	answerTimeout time.Duration

	nc *nats.Conn
	js jetstream.JetStream

	mu          sync.Mutex
	knownSinks  map[string]bool // attached since Open
	republisher *Republisher

	closeOnce sync.Once
	closed    chan struct{}
}

// Open opens the log of a database in a server, or creates it. The caller owns the
// server and closes it after the Bus. Open refuses a server that holds the log of
// another database.
func Open(ctx context.Context, server Server, config Config) (*Bus, error) {
	b, err := newBus(server, config)
	if err != nil {
		return nil, err
	}
	if err := b.open(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// newBus returns a Bus that is not connected.
func newBus(server Server, config Config) (*Bus, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Bus{
		server: server, config: config, log: config.Logger, subjects: subjects{config.Name}, stream: StreamName(config.Name),
		knownSinks: map[string]bool{}, closed: make(chan struct{}), answerTimeout: defaultAnswerTimeout,
	}, nil
}

// connect connects to the server and reads the mark.
func (b *Bus) connect(ctx context.Context) (err error) {
	if b.nc, err = b.server.Connect(ctx, "manage"); err != nil {
		return err
	}
	if b.js, err = jetstream.New(b.nc); err != nil {
		return fmt.Errorf("bus: use JetStream of the server: %w", err)
	}
	if b.config.StateDir != "" {
		if b.mark, err = readMark(b.markPath()); err != nil {
			b.log.Error("bus: the log is opened without its mark; if it has lost its end, that is not noticed", "error", err)
		}
	}
	return nil
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
func (b *Bus) Identity() string { return b.identity }

// Name returns the name of the database.
func (b *Bus) Name() string { return b.config.Name }

// OpenedAt returns the last sequence that the log had before this run: all later
// ones are of values of this run. It does not change after Restore.
func (b *Bus) OpenedAt() uint64 { return b.endAtOpen }

// LastSequence returns the last sequence of the log.
func (b *Bus) LastSequence(ctx context.Context) (uint64, error) {
	state, err := b.state(ctx)
	return state.LastSeq, err
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
