package sqlite

import (
	"log/slog"
	"runtime"
	"time"
)

// Option changes how a file is opened.
type Option func(*options)

type options struct {
	name        string
	logger      *slog.Logger
	strict      bool
	litestream  bool
	beside      bool
	unchecked   bool
	untouched   bool
	readers     int
	readTimeout time.Duration
	busyTimeout time.Duration
	walLimit    int64
	sweepFrames int
	maxValue    int
	vfs         string
}

func defaults(opts []Option) options {
	o := options{
		name:        "sqlite",
		logger:      slog.Default(),
		readers:     min(max(runtime.GOMAXPROCS(0), 2), 4),
		readTimeout: 30 * time.Second,
		busyTimeout: 5 * time.Second,
		sweepFrames: sweepFrames,
	}
	for _, set := range opts {
		set(&o)
	}
	switch {
	case o.walLimit > 0:
	case o.litestream:
		o.walLimit = 640 << 20
	default:
		o.walLimit = 64 << 20
	}
	return o
}

// Name sets the name of the sink, "sqlite" by default. Sinks of one database have
// different names, and a sink keeps its name for life.
func Name(name string) Option { return func(o *options) { o.name = name } }

// Logger sets where the store logs, above all that a damaged file was replaced.
// The default is slog's, so that this is never silent.
func Logger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// Strict makes Open refuse a corrupt file. Without it the file is moved aside
// and a new one is started, for the log to fill again as far as it reaches.
func Strict() Option { return func(o *options) { o.strict = true } }

// Beside lets Open succeed while another process owns the file, for a command
// that adds or deletes rows while a database runs. Such a store changes only rows
// and their counts. It never stays the owner: if the lock is free, Open takes it
// to bring the file up to date and gives it back. A damaged file is refused, as
// with Strict.
func Beside() Option { return func(o *options) { o.beside = true } }

// Unchecked is Strict, but lets Open succeed on a file whose structure is damaged, as far as
// SQLite can read what every store needs. It is for Verify and Repair.
func Unchecked() Option { return func(o *options) { o.strict, o.unchecked = true, true } }

// Untouched has OpenReadOnly make no files beside a history that no process uses, as SQLite
// does otherwise. A program that begins to write meanwhile can make reads fail. While there
// is a write-ahead log, it changes nothing.
func Untouched() Option { return func(o *options) { o.untouched = true } }

// Litestream leaves all checkpoints of the write-ahead log to Litestream.
func Litestream() Option { return func(o *options) { o.litestream = true } }

// Readers sets the number of reading connections, and so the number of read
// transactions that can be open at once. The default is the number of
// processors, between 2 and 4.
func Readers(n int) Option { return func(o *options) { o.readers = max(n, 1) } }

// ReadTimeout bounds each read transaction. A query that streams uses many
// short ones, so it bounds a page and not a query. The default is 30 s.
func ReadTimeout(d time.Duration) Option { return func(o *options) { o.readTimeout = d } }

// BusyTimeout is how long a commit waits for another process that has the file
// locked. The default is 5 s; then the write fails, to be tried again.
func BusyTimeout(d time.Duration) Option { return func(o *options) { o.busyTimeout = d } }

// WALLimit is the size in bytes above which a write-ahead log that cannot be
// checkpointed raises an alarm. The default is 64 MiB. With Litestream, which
// itself lets the log grow to some 500 MB, it is 640 MiB.
func WALLimit(bytes int64) Option { return func(o *options) { o.walLimit = bytes } }

// MaxValueBytes makes the store refuse values that are larger. The default is
// SQLite's own limit of about 1 GB.
func MaxValueBytes(n int) Option { return func(o *options) { o.maxValue = n } }
