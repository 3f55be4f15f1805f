package pump

import (
	"log/slog"
	"time"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
)

// The defaults of a Config.
const (
	DefaultBatch      = 4096
	DefaultBatchBytes = 8 << 20
	DefaultLinger     = 50 * time.Millisecond
	DefaultRetryMin   = 100 * time.Millisecond
	DefaultRetryMax   = 3 * time.Second
)

// Config says what a pump moves, from where and to where.
type Config struct {
	Source Source
	Sink   sinks.Sink
	// Volatile says that the log ends with the process. The checkpoint then moves
	// to the log before the first value, so that the next start notices a process
	// that was killed, and Leave moves it to the zero position.
	Volatile bool
	// Batch and BatchBytes bound a batch. 0 is the default.
	Batch, BatchBytes int
	// Linger is the longest that a value waits for others under load. A lone
	// value never waits.
	Linger time.Duration
	// RetryMin and RetryMax bound the time between two attempts while the
	// sink is unavailable.
	RetryMin, RetryMax time.Duration
	// OnLoss, if set, is called for losses that the pump is the first to know of.
	// It must not block.
	OnLoss func(loss.Loss)
	Logger *slog.Logger
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
