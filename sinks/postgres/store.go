package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The first numbers of the advisory locks. The second is that of the schema.
const (
	writerLock    int32 = 0x61696d01
	migrationLock int32 = 0x61696d02
	partitionLock int32 = 0x61696d04 // no partition is dropped
)

// lockNumber is the second number of the advisory locks of a schema.
func lockNumber(schema string) int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(schema)) // a hash takes everything
	return int32(h.Sum32())
}

// Store is a history in PostgreSQL. Its methods can be called from several goroutines.
type Store struct {
	config  Config
	address string
	pool    *pgxpool.Pool
	connect *pgx.ConnConfig

	// facts is nil until the schema was found or made.
	facts   atomic.Pointer[historyFacts]
	prepare sync.Mutex
	// replaced is closed, and another one made, when the schema has another history.
	replaced atomic.Pointer[chan struct{}]

	running  atomic.Bool
	active   sync.Once
	isActive chan struct{} // closed when Run holds the lock

	// turn is held by who uses what follows.
	turn    chan struct{}
	open    *writer
	last    uint32 // the server's process of the last connection that held the lock
	stopped bool
	// stored is the ID that follows the last row that Write has stored, and the identity
	// of the history then.
	stored struct {
		identity string
		nextID   int64
	}
}

// Open opens the history that a configuration names, and makes or migrates its tables. If
// the server cannot be reached now, Open logs that and succeeds: the tables are made when
// it can. The caller closes the store.
func Open(ctx context.Context, c Config) (*Store, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open a history in PostgreSQL: %w", err)
	}
	pool, connect, err := c.connections()
	if err != nil {
		return nil, fmt.Errorf("open a history in PostgreSQL: %w", err)
	}
	s := &Store{config: c, connect: connect, turn: make(chan struct{}, 1), isActive: make(chan struct{}), address: fmt.Sprintf("%s:%d/%s", connect.Host, connect.Port, connect.Database)}
	first := make(chan struct{})
	s.replaced.Store(&first)
	if s.pool, err = pgxpool.NewWithConfig(ctx, pool); err != nil {
		return nil, s.explained("open the history", err)
	}
	_, err = s.db(ctx)
	if unreachable(err) && ctx.Err() == nil {
		c.Logger.Warn("PostgreSQL cannot be reached; the history is opened when it can", "schema", c.Schema, "server", s.address, "error", err)
		return s, nil
	}
	if err != nil {
		s.pool.Close()
		return nil, err
	}
	return s, nil
}

// db returns the pool for queries and sweeps, after the schema was found or made.
func (s *Store) db(ctx context.Context) (*pgxpool.Pool, error) {
	if s.facts.Load() != nil {
		return s.pool, nil
	}
	s.prepare.Lock()
	defer s.prepare.Unlock()
	if s.facts.Load() != nil {
		return s.pool, nil
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, s.explained("open the history", err)
	}
	defer conn.Release()
	facts, err := migrate(ctx, conn.Conn(), s.config)
	if err != nil {
		if conn.Conn().IsClosed() {
			err = errors.Join(errBroken, err)
		}
		return nil, s.explained("open the history", err)
	}
	if want := s.config.Partition.Milliseconds(); want != 0 && want != facts.width {
		return nil, s.explained("open the history", fmt.Errorf("its partitions are %d ms wide and Config.Partition is %d ms; the width of a history is fixed, so give that or 0", facts.width, want))
	}
	s.facts.Store(&facts)
	return s.pool, nil
}

// Name implements sinks.Sink.
func (s *Store) Name() string { return s.config.Name }

// Close releases the connections. It is called after Run has ended.
func (s *Store) Close() error {
	err := s.stop()
	s.pool.Close()
	return err
}
