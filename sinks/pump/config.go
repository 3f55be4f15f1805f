package pump

import (
	"log/slog"
	"time"

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

// Config configures a pump. Source and Sink are required.
type Config struct {
	Source Source
	Sink   sinks.Sink
	// Log, if set, returns the identity of the log. WaitStored then waits for a sequence
	// of that log: on servers of others it can become another one while the pump runs.
	Log func() string
	// Volatile says that the log ends with the process. The pump then writes a
	// checkpoint before the first value, so that the next start recognises a process
	// that was killed, and [Pump.Leave] removes it.
	Volatile bool
	// Batch and BatchBytes bound the entries and the bytes of values of a batch. 0 means
	// the default.
	Batch, BatchBytes int
	// Linger bounds how long a value waits for others under load. A lone value never
	// waits.
	Linger time.Duration
	// RetryMin and RetryMax bound the pause between attempts during an outage.
	RetryMin, RetryMax time.Duration
	// OnBatch, if it is set, is told of each batch after the sink has returned. The pump
	// waits for it, so it has to be fast.
	OnBatch func(BatchInfo)
	// Logger receives warnings and errors. Nil discards them.
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
