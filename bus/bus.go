package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Bus is the log of one database and the server that keeps it.
type Bus struct {
	config   Config
	log      *slog.Logger
	node     *node
	subjects subjects
	stream   string
	identity string
	// openedAt is the last sequence the log had when it was opened.
	openedAt uint64
	// answerIn is how long an answer of the stream may take.
	answerIn time.Duration

	lock  *dirLock
	nc    *nats.Conn
	js    jetstream.JetStream
	guard *guard

	mu          sync.Mutex
	attached    map[string]bool
	republisher *Republisher

	closeOnce sync.Once
	closeErr  error
	closed    chan struct{}
}

// Open starts the server and opens the log, or makes it. What cannot work
// later fails here: a port in use, a directory that cannot be written or that
// holds the log of another database.
func Open(ctx context.Context, config Config) (*Bus, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	names := subjects{config.Name}
	b := &Bus{
		config: config, log: config.Logger, subjects: names, stream: streamName(config.Name),
		attached: map[string]bool{}, closed: make(chan struct{}), answerIn: answerTimeout,
	}
	if err := b.open(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Bus) open(ctx context.Context) (err error) {
	if b.lock, err = lockDir(b.config.Dir); err != nil {
		return err
	}
	b.node, err = newNode(b.config, newGate(b.config.Access, outsideRights(b.subjects)))
	if err != nil {
		return err
	}
	if b.nc, err = b.node.connect(ctx, "manage"); err != nil {
		return err
	}
	if b.js, err = jetstream.New(b.nc); err != nil {
		return fmt.Errorf("bus: use JetStream of the embedded server: %w", err)
	}
	identity, state, err := openStream(ctx, b.js, b.config, b.subjects)
	if err != nil {
		return err
	}
	if b.config.Dir != "" {
		if err := syncDescription(b.config.Dir); err != nil {
			return err
		}
	}
	b.identity, b.openedAt = identity, state.LastSeq
	b.guard, err = startGuard(b)
	return err
}

// Identity names this life of the log: it differs between databases, and a
// log made anew after it was deleted has another.
func (b *Bus) Identity() string { return b.identity }

// Name returns the name of the database.
func (b *Bus) Name() string { return b.config.Name }

// Addr returns where clients from outside are served, and nil if nowhere.
func (b *Bus) Addr() net.Addr {
	if b.node.listener == nil {
		return nil
	}
	return b.node.listener
}

// LastSequence returns the last sequence of the log.
func (b *Bus) LastSequence(ctx context.Context) (uint64, error) {
	state, err := b.state(ctx)
	return state.LastSeq, err
}

func (b *Bus) state(ctx context.Context) (jetstream.StreamState, error) {
	s, err := b.js.Stream(ctx, b.stream)
	if err != nil {
		return jetstream.StreamState{}, fmt.Errorf("bus: ask for the state of the log: %w", err)
	}
	return s.CachedInfo().State, nil
}

// Close ends all connections and stops the server. It may be called again.
func (b *Bus) Close() error {
	b.closeOnce.Do(func() {
		close(b.closed)
		if b.guard != nil {
			b.guard.stop()
		}
		if b.nc != nil {
			b.nc.Close()
		}
		if b.node != nil {
			b.node.stop()
		}
		b.closeErr = b.lock.release()
	})
	return b.closeErr
}
