package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/sinks/retention"
)

// DefaultDrainTimeout is the DrainTimeout of a Config that has none.
const DefaultDrainTimeout = 10 * time.Second

// ErrHeld is the error of Config.Open for a store that another process has open.
var ErrHeld = errors.New("another process has the store open")

// Config says which sink a process runs. Server, Log.Name, Sink and Open are required.
type Config struct {
	// Server keeps the log.
	Server bus.Server
	// Log says which log: Name is that of the database, Domain the JetStream domain.
	// Limits are those that the log has, and the server is Shared.
	Log bus.Config
	// Sink is the name of the sink. The sink that Open returns has the same.
	Sink string
	// Kind and Target say in lists what the sink writes to. Target has no password.
	Kind, Target string
	// Anywhere says that Target is the same store on each machine, as that of a database
	// server is, and not a file.
	Anywhere bool
	// Open opens the store. It returns ErrHeld if another process has it.
	Open func(ctx context.Context) (*Store, error)
	// Retention says what stays in a store that has a Pruner. Without policies and
	// limits everything stays.
	Retention retention.Config
	// Wait is how long Run tries to reach servers that are away when it starts. 0 does
	// not wait.
	Wait time.Duration
	// DrainTimeout bounds how long a stop stores what the log has.
	DrainTimeout time.Duration
	// Logger receives what happens. Nil discards it.
	Logger *slog.Logger
}

func (c Config) checked() (Config, error) {
	if c.Server == nil || c.Open == nil || c.Log.Name == "" || c.Sink == "" {
		return c, errors.New("run a sink: a server, the name of a database, the name of the sink and what opens its store are needed")
	}
	if c.DrainTimeout <= 0 {
		c.DrainTimeout = DefaultDrainTimeout
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("database", c.Log.Name, "sink", c.Sink)
	c.Log.Logger, c.Retention.Logger = c.Logger, c.Logger
	c.Log.Shared = true
	if _, err := retention.New(nil, c.Retention); err != nil {
		return c, fmt.Errorf("run the sink %s: %w", c.Sink, err)
	}
	return c, nil
}

// keeps reports whether the retention has something to do.
func (c Config) keeps() bool { return len(c.Retention.Policies) > 0 || c.Retention.MaxBytes > 0 }

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}
