package aimdb

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/retention"
)

// Option configures a database.
type Option func(*config) error

// The limits of the log and of shutdown, unless options say otherwise.
const (
	// DefaultLogAge is how long the log keeps values.
	DefaultLogAge = 7 * 24 * time.Hour
	// DefaultLogBytes is how large the log grows in a directory, and
	// DefaultMemoryLogBytes how large in memory.
	DefaultLogBytes       = 1 << 30
	DefaultMemoryLogBytes = bus.DefaultMemoryBytes
	// DefaultDrainTimeout bounds the work of a shutdown.
	DefaultDrainTimeout = 10 * time.Second
)

type config struct {
	name         string
	dir          string
	backend      Backend
	sinks        []sinks.Sink
	maxAge       time.Duration
	policies     []history.Policy
	historyBytes int64
	retainEvery  time.Duration
	keeper       *retention.Retention // nil without a backend
	logger       *slog.Logger
	logAge       time.Duration
	logBytes     int64
	logSync      time.Duration
	origins      []string
	durable      bool
	gateways     []string
	http         *httpListener
	nats         string
	access       bus.Access
	drain        time.Duration
}

type httpListener struct {
	address string
	handler http.Handler
}

func newConfig(opts []Option) (config, error) {
	c := config{
		name:   "aimdb",
		logger: slog.New(slog.DiscardHandler),
		logAge: DefaultLogAge,
		drain:  DefaultDrainTimeout,
	}
	var errs []error
	for _, opt := range opts {
		errs = append(errs, opt(&c))
	}
	if c.durable && c.dir == "" {
		errs = append(errs, errors.New("aimdb: DurableLog needs a disk to sync to; give the database a directory with Dir"))
	}
	if c.logBytes == 0 {
		c.logBytes = DefaultMemoryLogBytes
		if c.dir != "" {
			c.logBytes = DefaultLogBytes
		}
	}
	errs = append(errs, c.planRetention())
	return c, errors.Join(errs...)
}

// planRetention puts the policies together. The age of WithPersistence comes
// last, so that any other policy for the same pattern comes before it.
func (c *config) planRetention() error {
	if c.backend == nil {
		if len(c.policies) > 0 || c.historyBytes > 0 {
			return errors.New("aimdb: a retention policy is given but no history to prune; add WithPersistence")
		}
		return nil
	}
	policies := c.policies
	if c.maxAge > 0 {
		all, err := key.ParsePattern("#")
		if err != nil {
			return err
		}
		policies = append(policies, history.Policy{Pattern: all, MaxAge: c.maxAge})
	}
	keeper, err := retention.New(c.backend, retention.Config{
		Policies: policies, MaxBytes: c.historyBytes, Every: c.retainEvery, Logger: c.logger,
	})
	if err != nil {
		return fmt.Errorf("aimdb: %w", err)
	}
	c.keeper = keeper
	return nil
}

var databaseName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Name gives the database its name, which is part of every subject. It is
// "aimdb" unless given, and made of 1 to 64 letters, digits, "_" and "-".
func Name(name string) Option {
	return func(c *config) error {
		if !databaseName.MatchString(name) {
			return fmt.Errorf("aimdb: the database name %q does not fit into a subject; use 1 to 64 letters, digits, '_' and '-'", name)
		}
		c.name = name
		return nil
	}
}

// Dir gives the database a directory for its log and its lock. It is made if
// it does not exist. A database without one keeps its log in memory: what is
// logged and not stored then goes with the process. The next start notes such a
// loss, of unknown size, unless the database had ended in order.
func Dir(dir string) Option {
	return func(c *config) error { c.dir = dir; return nil }
}

// WithPersistence gives the database a backend that keeps what records marked
// with [Persist] are given. Rows older than maxAge are removed at start and
// then on a timer; 0 keeps them for ever. The database owns the backend from
// the call of [New] on, and closes it.
func WithPersistence(backend Backend, maxAge time.Duration) Option {
	return func(c *config) error {
		if backend == nil {
			return errors.New("aimdb: WithPersistence was given no backend; open one first, for example with sqlite.Open")
		}
		if maxAge < 0 {
			return fmt.Errorf("aimdb: a retention of %v lies in the future; use 0 to keep everything", maxAge)
		}
		c.backend, c.maxAge = backend, maxAge
		return nil
	}
}

// WithSink sends the log to one more sink, by a pump of its own: it neither
// waits for the others nor holds them up. The sink is the caller's, to be
// closed after Run has returned.
func WithSink(sink sinks.Sink) Option {
	return func(c *config) error {
		if sink == nil {
			return errors.New("aimdb: WithSink was given no sink")
		}
		c.sinks = append(c.sinks, sink)
		return nil
	}
}

// Retention limits what is kept of one record.
type Retention struct {
	// MaxAge, MaxRows and MaxBytes are limits; 0 is no limit.
	MaxAge   time.Duration
	MaxRows  int64
	MaxBytes int64
	// Forever keeps everything, whatever [HistoryBytes] says. It goes with no
	// limit.
	Forever bool
}

// Retain limits the history of the records that match a pattern. Where several
// patterns match, the most specific one counts, and of equals the first.
func Retain(pattern string, r Retention) Option {
	return func(c *config) error {
		p, err := key.ParsePattern(pattern)
		if err != nil {
			return err
		}
		c.policies = append(c.policies, history.Policy{
			Pattern: p, MaxAge: r.MaxAge, MaxRows: r.MaxRows, MaxBytes: r.MaxBytes, Forever: r.Forever,
		})
		return nil
	}
}

// HistoryBytes limits the size of the whole history: the oldest rows go first,
// of all records but those that are kept [Retention.Forever].
func HistoryBytes(n int64) Option {
	return func(c *config) error {
		if n <= 0 {
			return fmt.Errorf("aimdb: a history of %d bytes holds nothing; give a positive size, or leave HistoryBytes out for no limit", n)
		}
		c.historyBytes = n
		return nil
	}
}

// SweepEvery sets the time between two sweeps of the retention; it is an hour
// unless given.
func SweepEvery(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return fmt.Errorf("aimdb: the retention cannot sweep every %v; give a positive time", d)
		}
		c.retainEvery = d
		return nil
	}
}

// Logger receives what the database has to say. Without it nothing is logged.
func Logger(l *slog.Logger) Option {
	return func(c *config) error {
		if l == nil {
			return errors.New("aimdb: Logger was given nil; leave it out to log nothing")
		}
		c.logger = l
		return nil
	}
}

// LogLimits bounds the log. The oldest values go first when it reaches a
// limit; those no sink has read by then are counted as lost. Choose a longer
// age than the longest outage of the backend.
func LogLimits(maxAge time.Duration, maxBytes int64) Option {
	return func(c *config) error {
		if maxAge <= 0 || maxBytes <= 0 {
			return fmt.Errorf("aimdb: log limits of %v and %d bytes keep nothing; both must be positive", maxAge, maxBytes)
		}
		c.logAge, c.logBytes = maxAge, maxBytes
		return nil
	}
}

// LogSync sets how often what was logged is forced to the disk; a power loss
// costs the log no more than that. It is a second unless given.
func LogSync(every time.Duration) Option {
	return func(c *config) error {
		if every <= 0 {
			return fmt.Errorf("aimdb: a log cannot sync every %v; give a positive time, or DurableLog to sync before each acknowledgement", every)
		}
		c.logSync = every
		return nil
	}
}

// DurableLog makes the log sync every batch to disk before it acknowledges it.
// Records marked with [Durable] need it, and it needs a [Dir].
func DurableLog() Option {
	return func(c *config) error { c.durable = true; return nil }
}

// Gateway serves AimX on a unix socket, given as a path or as unix://PATH. It
// may be given several times.
func Gateway(endpoint string) Option {
	return func(c *config) error { c.gateways = append(c.gateways, endpoint); return nil }
}

// HTTP listens on an address like 127.0.0.1:8080, serves AimX for WebSocket
// clients at /ws, /version and /health, and passes everything else to handler,
// which may be nil.
func HTTP(address string, handler http.Handler) Option {
	return func(c *config) error { c.http = &httpListener{address, handler}; return nil }
}

// Origins lets pages of more hosts than this one and loopback open the
// WebSocket of [HTTP], as patterns such as "*.example.com".
func Origins(hosts ...string) Option {
	return func(c *config) error { c.origins = append(c.origins, hosts...); return nil }
}

// NATS lets NATS clients in on an address like 127.0.0.1:4222. They may
// subscribe to the values of this database and read its log, and change
// nothing.
func NATS(address string) Option {
	return func(c *config) error { c.nats = address; return nil }
}

// Access says what NATS clients from outside must show: a token, a user and
// password, an nkey, a certificate.
type Access = bus.Access

// NATSAccess says who may come in by the listener given with [NATS]. Without it
// anyone who reaches the port may read.
func NATSAccess(a Access) Option {
	return func(c *config) error { c.access = a; return nil }
}

// DrainTimeout bounds how long a shutdown may work on what was accepted, as a
// whole; it is ten seconds unless given. Run ends with an error that names what
// has not ended by then.
func DrainTimeout(d time.Duration) Option {
	return func(c *config) error {
		if d <= 0 {
			return fmt.Errorf("aimdb: a drain timeout of %v leaves no time to end; it must be positive", d)
		}
		c.drain = d
		return nil
	}
}
