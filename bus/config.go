package bus

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// headerBytes is the most that the headers of a message take.
const headerBytes = 4096

// The defaults of a Config.
const (
	DefaultMaxAge      = 7 * 24 * time.Hour
	DefaultMaxBytes    = 4 << 30
	DefaultMemoryBytes = 256 << 20
	DefaultMaxValue    = 1 << 20
	// DefaultMaxMessage is what a server must take for values of DefaultMaxValue,
	// headers included.
	DefaultMaxMessage = DefaultMaxValue + headerBytes
)

// Config says how the log of one database is kept.
type Config struct {
	// Name is the name of the database. It is one token of every subject.
	Name string
	// Memory keeps the log in memory. It ends with the server.
	Memory bool
	// MaxAge and MaxBytes limit the log; the oldest messages go first.
	// 0 is the default.
	MaxAge   time.Duration
	MaxBytes int64
	// MaxValue is the size in bytes above which a value is refused.
	MaxValue int
	// Durable sends atomic batches, which a server that syncs always syncs
	// once. The server must be set up to sync before it acknowledges.
	Durable bool
	// StateDir is where the log keeps its Mark, and what was accepted and not
	// logged when the process stopped. It is outside of the server's directory.
	// Without one a log that loses its end is noticed only by the checkpoints of
	// its sinks.
	StateDir string
	// Publisher, if set, opens a connection that publishes faster than one of
	// the client library.
	Publisher func() Publisher
	// Logger takes what is worth a line. Nil discards it.
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
