package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// headerBytes is the largest size of the headers of a message.
const headerBytes = 4096

// The defaults of a Config.
const (
	DefaultMaxAge      = 7 * 24 * time.Hour
	DefaultMaxBytes    = 4 << 30
	DefaultMemoryBytes = 256 << 20
	DefaultMaxValue    = 1 << 20
	// DefaultMaxMessage is the maximum payload that a server needs for values of
	// DefaultMaxValue, headers included.
	DefaultMaxMessage = DefaultMaxValue + headerBytes
)

// Config configures the log of one database.
type Config struct {
	// Name is the name of the database. It is one token of every subject.
	Name string
	// Memory keeps the log in memory. It is lost when the server stops.
	Memory bool
	// MaxAge and MaxBytes limit the log, which discards the oldest messages first.
	// 0 means the default.
	MaxAge   time.Duration
	MaxBytes int64
	// MaxValue is the size in bytes above which a value is refused.
	MaxValue int
	// Durable sends atomic batches. A server that syncs before it acknowledges syncs
	// once for each; the server must be configured so.
	Durable bool
	// StateDir is where the log keeps its Mark, and what was accepted and not
	// logged when the process stopped. It is outside of the server's directory.
	// Without one a log that loses its end is noticed only by the checkpoints of
	// its sinks.
	StateDir string
	// Shared says that the server is not run by this process: it may hold the logs of
	// several databases, and streams of others. A log that exists is then opened only if
	// its settings are those wanted, and the log has one writer at a time: see [ErrTakenOver].
	Shared bool
	// Replicas, Placement and Domain say where a Shared server keeps the log. Replicas is
	// on how many servers: 0 is 1 for a log that is created, and what a log that exists
	// has. Placement is nil for any server, Domain empty for the account's own.
	Replicas  int
	Placement *jetstream.Placement
	Domain    string
	// Update changes the settings of a log that exists on a Shared server, as far as the
	// server lets them be changed.
	Update bool
	// Publisher, if set, opens a publisher in place of a connection of the client
	// library, which is slower.
	Publisher func() Publisher
	// Logger receives warnings and errors. Nil discards them.
	Logger *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if !validToken(c.Name) {
		return c, fmt.Errorf("bus: database name %q cannot be part of a subject: use letters, digits, '-' and '_'", c.Name)
	}
	if c.MaxAge == 0 {
		c.MaxAge = DefaultMaxAge
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
		if c.Memory {
			c.MaxBytes = DefaultMemoryBytes
		}
	}
	if c.MaxValue == 0 {
		c.MaxValue = DefaultMaxValue
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, c.check()
}

func (c Config) check() error {
	switch {
	case c.MaxAge < 0 || c.MaxBytes < 0:
		return errors.New("bus: MaxAge and MaxBytes must not be negative")
	case c.MaxValue < 0 || c.MaxValue > 32<<20:
		return fmt.Errorf("bus: MaxValue is %d bytes; it must be between 1 and 32 MiB", c.MaxValue)
	}
	return nil
}
