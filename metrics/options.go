package metrics

import "time"

// The defaults of a collector.
const (
	// DefaultRecords is how many records have metrics of their own.
	DefaultRecords = 1000
	// Timeout bounds a scrape.
	Timeout = 5 * time.Second
)

// Option changes a collector.
type Option func(*options)

type options struct{ records int }

// Records sets how many records have metrics of their own, those that were registered
// first. With 0 none has.
func Records(n int) Option { return func(o *options) { o.records = max(n, 0) } }
