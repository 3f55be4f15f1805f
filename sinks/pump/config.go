package pump

import (
	"log/slog"
	"time"

	"github.com/aimdb-go/aimdb/sinks"
)

// The defaults of a PumpConfig.
const (
	DefaultBatch      = 4096
	DefaultBatchBytes = 8 << 20
	DefaultLinger     = 50 * time.Millisecond
	DefaultRetryMin   = 100 * time.Millisecond
	DefaultRetryMax   = 3 * time.Second
)

// PumpConfig says what a pump moves from where to where.
type Config struct {
	Source Source
	Sink   sinks.Sink
	// Volatile says that the log ends with the process. The sink is then told
	// of the log before the first value, so that the next start knows of a
	// process that was killed, and by Leave that nothing was left behind.
	Volatile bool
	// Batch and BatchBytes bound a batch. 0 is the default.
	Batch, BatchBytes int
	// Linger is the longest that a value waits for others under load. A lone
	// value never waits.
	Linger time.Duration
	// RetryMin and RetryMax bound the time between two attempts while the
	// sink is unavailable.
	RetryMin, RetryMax time.Duration
	Logger             *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Batch <= 0 {
		c.Batch = DefaultBatch
	}
	if c.BatchBytes <= 0 {
		c.BatchBytes = DefaultBatchBytes
	}
	if c.Linger <= 0 {
		c.Linger = DefaultLinger
	}
	if c.RetryMin <= 0 {
		c.RetryMin = DefaultRetryMin
	}
	if c.RetryMax < c.RetryMin {
		c.RetryMax = max(DefaultRetryMax, c.RetryMin)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
